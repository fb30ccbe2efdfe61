"""Workspaces: founded by anybody with an account, who becomes the owner."""

from typing import Any

from app.core.documents import Doc
from app.core.errors import already_exists, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.memberships import Membership, Role
from app.models.workspaces import Workspace
from app.schemas.workspaces import WorkspaceCreate, WorkspacePatch
from app.services.access import AccountScope, Page, PageRequest, Scope
from app.services.workspaces import queries
from app.utils.ids import new_id


async def create_workspace(account: AccountScope, data: WorkspaceCreate) -> Outcome[Workspace]:
    """Found a workspace with the principal as its owner; raises `already_exists` for a slug in use."""
    workspace_id = data.id or new_id()

    async def decide(work: Work) -> Workspace:
        # Slugs are unique beyond this workspace; asked here, because a repeated request is not decided again.
        if await queries.slug_taken(account.database, data.slug):
            raise already_exists("workspace", "slug")
        stamp: dict[str, Any] = {"workspace_id": workspace_id, "created_at": work.now, "updated_at": work.now}
        work.add(
            Membership(
                id=new_id(),
                user_id=account.principal.user_id,
                display_name=account.principal.display_name,
                role=Role.OWNER,
                **stamp,
            )
        )
        return work.add(
            Workspace(id=workspace_id, slug=data.slug, name=data.name, description=data.description, **stamp)
        )

    command = Command("workspace.create", decide, {Workspace: [workspace_id]}, founds=True)
    return await account.writers.run(workspace_id, command, account.context)


async def list_workspaces(account: AccountScope, request: PageRequest) -> Page:
    """The workspaces that the principal is a member of, by name."""
    return await queries.page(account, request)


class WorkspaceEngine:
    """The workspace that a scope is in."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self) -> Doc:
        doc = await queries.get(self._scope)
        if doc is None:
            raise not_found("workspace")
        return doc

    async def update(self, patch: WorkspacePatch) -> Outcome[Workspace]:
        """Raises `already_exists` for a slug in use, `second_factor_required` for who would be kept out."""
        changes = patch.model_dump(exclude_unset=True)
        if changes.get("requires_second_factor"):
            self._scope.demand_second_factor()

        async def decide(work: Work) -> Workspace:
            workspace = await work.require(Workspace, self._scope.workspace_id)
            self._scope.check_version(workspace)
            return work.update(workspace, **changes)

        slug = changes.get("slug")
        taken = slug is not None and await queries.slug_taken(self._scope.database, slug)
        if taken and slug != (await self.get())["slug"]:
            raise already_exists("workspace", "slug")
        return await self._scope.run(
            Command("workspace.update", decide, {Workspace: [self._scope.workspace_id]})
        )
