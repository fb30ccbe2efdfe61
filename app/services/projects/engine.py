"""Projects: made with a board, changed, archived."""

from app.core.documents import Doc, public
from app.core.errors import ErrorCode, PastisError, already_exists, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.grants import ProjectRole
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.statuses import Status
from app.schemas.projects import ProjectCreate, ProjectPatch
from app.services.access import Page, PageRequest, Scope
from app.services.grants import add_grant
from app.services.projects import queries, rules
from app.services.statuses import add_statuses
from app.services.statuses.rules import DEFAULTS, default_of
from app.utils.ids import new_id


class ProjectEngine:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, ref: str) -> Doc:
        doc = await queries.get(self._scope, await self._scope.project_id(ref))
        if doc is None:
            raise not_found("project")
        return public(Project, doc)

    async def page(self, request: PageRequest, *, archived: bool) -> Page:
        return await queries.page(self._scope, request, archived=archived)

    async def create(self, data: ProjectCreate) -> Outcome[Project]:
        """A project with the usual statuses; raises `already_exists` for a key in use."""
        project_id = data.id or new_id()

        async def decide(work: Work) -> Project:
            if await queries.key_taken(work, data.key):
                raise already_exists("project", "key")
            await _check_lead(work, data.lead_id)
            statuses = add_statuses(work, project_id, DEFAULTS)
            if not self._scope.standing.is_admin:  # who else might not see what they have just made
                add_grant(work, project_id, ProjectRole.LEAD, membership_id=work.actor["membership_id"])
            return work.add(
                Project(
                    id=project_id,
                    workspace_id=work.workspace_id,
                    key=data.key,
                    name=data.name,
                    description=data.description,
                    lead_id=data.lead_id,
                    visibility=data.visibility,
                    default_status_id=default_of(statuses).id,
                    created_at=work.now,
                    updated_at=work.now,
                )
            )

        return await self._scope.run(Command("project.create", decide, {Project: [project_id]}))

    async def update(self, ref: str, patch: ProjectPatch) -> Outcome[Project]:
        changes = patch.model_dump(exclude_unset=True)
        project_id = await self._scope.project_id(ref)

        async def decide(work: Work) -> Project:
            project = await self._present(work, project_id)
            if project.archived_at is not None:
                raise PastisError(ErrorCode.ARCHIVED, kind="project")
            rules.check_opening(self._scope.standing.in_project(project_id), project, changes)
            if changes.get("lead_id") != project.lead_id:
                await _check_lead(work, changes.get("lead_id"))
            if "default_status_id" in changes:
                status = await work.require(Status, changes["default_status_id"])
                if status.project_id != project_id:
                    raise not_found("status")
            return work.update(project, **changes)

        return await self._scope.run(Command("project.update", decide, {Project: [project_id]}))

    async def archive(self, ref: str) -> Outcome[Project]:
        """Put a project away: it and its tasks can be read but not changed."""
        return await self._set_archived(ref, archived=True)

    async def unarchive(self, ref: str) -> Outcome[Project]:
        return await self._set_archived(ref, archived=False)

    async def _set_archived(self, ref: str, *, archived: bool) -> Outcome[Project]:
        project_id = await self._scope.project_id(ref)

        async def decide(work: Work) -> Project:
            project = await self._present(work, project_id)
            if archived == (project.archived_at is not None):
                return project
            return work.update(project, archived_at=work.now if archived else None)

        name = "project.archive" if archived else "project.unarchive"
        return await self._scope.run(Command(name, decide, {Project: [project_id]}))

    async def _present(self, work: Work, project_id: str) -> Project:
        project = await work.require(Project, project_id)
        self._scope.check_version(project)
        return project


async def _check_lead(work: Work, lead_id: str | None) -> None:
    """Raises `not_found` for somebody who is not, or no longer, in the workspace."""
    if lead_id is not None and (await work.require(Membership, lead_id)).removed_at is not None:
        raise not_found("membership")
