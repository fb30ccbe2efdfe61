"""Grants: given, changed, taken back by who has at least as much in the project."""

from app.core.documents import Doc, public
from app.core.errors import ErrorCode, PastisError, already_exists, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.grants import Grant, ProjectRole
from app.models.memberships import Membership, MembershipType
from app.models.projects import Project
from app.models.teams import Team
from app.schemas.grants import GrantCreate, GrantPatch
from app.services.access import Page, PageRequest, Scope
from app.services.grants import queries, rules
from app.services.roles import require_role
from app.utils.ids import new_id


class GrantEngine:
    """The grants of one project."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, project_ref: str, grant_id: str) -> Doc:
        doc = await queries.get(self._scope, await self._scope.project_id(project_ref), grant_id)
        if doc is None:
            raise not_found("grant")
        return public(Grant, doc)

    async def page(self, project_ref: str, request: PageRequest) -> Page:
        return await queries.page(self._scope, await self._scope.project_id(project_ref), request)

    async def create(self, project_ref: str, data: GrantCreate) -> Outcome[Grant]:
        """Raises `already_exists` for who has one in the project: that one is changed."""
        rules.check_one_holder(data.membership_id, data.team_id)
        project_id = await self._scope.project_id(project_ref)
        grant_id = data.id or new_id()

        async def decide(work: Work) -> Grant:
            await _open_project(work, project_id)
            holder_id = await _holder(work, data.membership_id, data.team_id)
            if await queries.of_holder(work, holder_id, project_id):
                raise already_exists("grant", "membership_id" if data.team_id is None else "team_id")
            grant = add_grant(
                work,
                project_id,
                data.role,
                data.custom_role_id,
                grant_id=grant_id,
                membership_id=data.membership_id,
                team_id=data.team_id,
            )
            await check_give(work, self._scope, grant)
            return grant

        return await self._scope.run(Command("grant.create", decide, {Grant: [grant_id]}))

    async def update(self, project_ref: str, grant_id: str, patch: GrantPatch) -> Outcome[Grant]:
        changes = patch.model_dump(exclude_unset=True)
        project_id = await self._scope.project_id(project_ref)

        async def decide(work: Work) -> Grant:
            grant = work.update(await self._present(work, project_id, grant_id), **changes)
            await check_give(work, self._scope, grant)
            return grant

        return await self._scope.run(Command("grant.update", decide, {Grant: [grant_id]}))

    async def delete(self, project_ref: str, grant_id: str) -> Outcome[None]:
        project_id = await self._scope.project_id(project_ref)

        async def decide(work: Work) -> None:
            work.remove(await self._present(work, project_id, grant_id))

        return await self._scope.run(Command("grant.delete", decide, {Grant: [grant_id]}))

    async def _present(self, work: Work, project_id: str, grant_id: str) -> Grant:
        await _open_project(work, project_id)
        grant = await work.require(Grant, grant_id)
        if grant.project_id != project_id:
            raise not_found("grant")
        self._scope.check_version(grant)
        await check_give(work, self._scope, grant)
        return grant


def add_grant(
    work: Work,
    project_id: str,
    role: ProjectRole,
    custom_role_id: str | None = None,
    *,
    grant_id: str | None = None,
    membership_id: str | None = None,
    team_id: str | None = None,
) -> Grant:
    """A new grant for a member or a team; the caller has seen that it may be given."""
    return work.add(
        Grant(
            id=grant_id or new_id(),
            workspace_id=work.workspace_id,
            project_id=project_id,
            membership_id=membership_id,
            team_id=team_id,
            role=role,
            custom_role_id=custom_role_id,
            created_at=work.now,
            updated_at=work.now,
        )
    )


async def check_give(work: Work, scope: Scope, grant: Grant) -> None:
    """Raises `permission_denied` where the actor has not all that a grant gives, `not_found` for its role."""
    custom = None
    if grant.custom_role_id is not None:
        custom = (await require_role(work, grant.custom_role_id)).permissions
    rules.check_giver(scope.standing.in_project(grant.project_id), rules.given(grant.role, custom))


async def _holder(work: Work, membership_id: str | None, team_id: str | None) -> str:
    """Who shall have it; raises `not_found` for who is not, or no longer, in the workspace."""
    if membership_id is None:
        return (await work.require(Team, team_id or "")).id
    member = await work.require(Membership, membership_id)
    if member.removed_at is not None or member.type is MembershipType.LINK:
        raise not_found("membership")
    return member.id


async def _open_project(work: Work, project_id: str) -> None:
    if (await work.require(Project, project_id)).archived_at is not None:
        raise PastisError(ErrorCode.ARCHIVED, kind="project")
