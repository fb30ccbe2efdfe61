"""Public links: made, changed, ended by who may let others into a project."""

from typing import Any

from app.core.documents import Doc, public
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.links import Link
from app.models.memberships import Membership, MembershipType, Role
from app.models.projects import Project
from app.schemas.links import LinkCreate, LinkPatch
from app.services.access import Page, PageRequest, Permission, Scope
from app.services.access.rules import check_end
from app.services.links import queries, rules
from app.services.links.visits import VisitEngine
from app.utils.ids import new_id


class LinkEngine:
    """The links of one project."""

    def __init__(self, scope: Scope, visits: VisitEngine) -> None:
        self._scope = scope
        self._visits = visits

    async def get(self, project_ref: str, link_id: str) -> Doc:
        doc = await queries.get(self._scope, await self._readable(project_ref), link_id)
        if doc is None:
            raise not_found("link")
        return public(Link, doc)

    async def page(self, project_ref: str, request: PageRequest) -> Page:
        return await queries.page(self._scope, await self._readable(project_ref), request)

    async def create(self, project_ref: str, data: LinkCreate) -> Outcome[Link]:
        """Raises `wrong_visibility` where the project is not open to links, `limit_reached`.

        Raises `permission_denied` where the actor may not do in the project what the link's role may.
        """
        project_id = await self._scope.project_id(project_ref)
        link_id, membership_id = data.id or new_id(), new_id()

        async def decide(work: Work) -> Link:
            await self._shared(work, project_id)
            check_end(data.expires_at, work.now)
            rules.check_giver(self._scope.standing.in_project(project_id), data.role)
            if await queries.count(work, project_id, rules.MAX_LINKS) >= rules.MAX_LINKS:
                raise PastisError(ErrorCode.LIMIT_REACHED, kind="link", limit=rules.MAX_LINKS)
            work.add(_author(work, membership_id, data.name))
            return work.add(
                Link(
                    id=link_id,
                    workspace_id=work.workspace_id,
                    project_id=project_id,
                    membership_id=membership_id,
                    name=data.name,
                    role=data.role,
                    has_password=data.password is not None,
                    expires_at=data.expires_at,
                    created_at=work.now,
                    updated_at=work.now,
                )
            )

        outcome = await self._scope.run(Command("link.create", decide, {Link: [link_id]}))
        if data.password is not None:
            await self._keep(outcome, data.password)
        return outcome

    async def update(self, project_ref: str, link_id: str, patch: LinkPatch) -> Outcome[Link]:
        """What changes counts within a second; with another password, all visits end."""
        changes: dict[str, Any] = patch.model_dump(exclude_unset=True, exclude={"password"})
        password_given = "password" in patch.model_fields_set
        if password_given:
            changes["has_password"] = patch.password is not None
        project_id = await self._scope.project_id(project_ref)

        async def decide(work: Work) -> Link:
            link = await self._present(work, project_id, link_id)
            if "expires_at" in changes:
                check_end(changes["expires_at"], work.now)
            rules.check_giver(self._scope.standing.in_project(project_id), changes.get("role", link.role))
            author = await queries.author(work, link.membership_id)
            if author is not None and "name" in changes:
                work.update(author, display_name=changes["name"])
            return work.update(link, **changes)

        outcome = await self._scope.run(Command("link.update", decide, {Link: [link_id]}))
        if password_given:
            await self._keep(outcome, patch.password)
        return outcome

    async def delete(self, project_ref: str, link_id: str) -> Outcome[None]:
        """End a link and all visits; what visitors wrote keeps its name."""
        project_id = await self._scope.project_id(project_ref)

        async def decide(work: Work) -> None:
            link = await self._present(work, project_id, link_id)
            author = await queries.author(work, link.membership_id)
            if author is not None:
                work.update(author, removed_at=work.now)
            work.remove(link)

        outcome = await self._scope.run(Command("link.delete", decide, {Link: [link_id]}))
        if not self._scope.context.dry_run:
            await self._visits.end(link_id)
        return outcome

    async def _readable(self, project_ref: str) -> str:
        """A project whose links one may see; raises `permission_denied` rather than show none of them."""
        project_id = await self._scope.project_id(project_ref)
        self._scope.demand_in(project_id, Permission.LINK_READ)
        return project_id

    async def _present(self, work: Work, project_id: str, link_id: str) -> Link:
        rules.check_open(await work.require(Project, project_id))
        link = await work.require(Link, link_id)
        if link.project_id != project_id:
            raise not_found("link")
        self._scope.check_version(link)
        return link

    async def _shared(self, work: Work, project_id: str) -> None:
        project = await work.require(Project, project_id)
        rules.check_open(project)
        rules.check_shared(project)

    async def _keep(self, outcome: Outcome[Link], password: str | None) -> None:
        """Keep a password after the commit, as a refused command must change none.

        Where this process dies first, a link that had none is shut, and one that had another goes on with
        that, until the request is sent again.
        """
        if not self._scope.context.dry_run:
            await self._visits.set_password(outcome.value.id, password)


def _author(work: Work, membership_id: str, name: str) -> Membership:
    """Comments have an author, and a link's visitors are nobody else."""
    return Membership(
        id=membership_id,
        workspace_id=work.workspace_id,
        type=MembershipType.LINK,
        user_id=None,
        display_name=name,
        role=Role.GUEST,
        created_at=work.now,
        updated_at=work.now,
    )
