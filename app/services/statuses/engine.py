"""Statuses of a project: made, named, ordered, deleted."""

from collections.abc import Sequence

from app.core.documents import Doc, public
from app.core.errors import ErrorCode, PastisError, already_exists, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.projects import Project
from app.models.statuses import Category, Status
from app.schemas.statuses import StatusCreate, StatusMove, StatusPatch
from app.services.access import Page, PageRequest, Scope
from app.services.statuses import queries, rules
from app.utils import ranks
from app.utils.ids import new_id


def add_statuses(work: Work, project_id: str, wanted: Sequence[tuple[str, Category]]) -> list[Status]:
    """The first statuses of a new project, in order."""
    places = ranks.spread(len(wanted))
    return [
        work.add(_new(work, new_id(), project_id, name, category, rank))
        for (name, category), rank in zip(wanted, places, strict=True)
    ]


async def project_statuses(work: Work, project_id: str) -> list[Status]:
    """A project's statuses in the order of its board."""
    return await queries.of_project(work, project_id)


class StatusEngine:
    """The statuses of one project."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, project_ref: str, status_id: str) -> Doc:
        doc = await queries.get(self._scope, await self._scope.project_id(project_ref), status_id)
        if doc is None:
            raise not_found("status")
        return public(Status, doc)

    async def page(self, project_ref: str, request: PageRequest) -> Page:
        return await queries.page(self._scope, await self._scope.project_id(project_ref), request)

    async def create(self, project_ref: str, data: StatusCreate) -> Outcome[Status]:
        """A new status at the end of the board."""
        project_id = await self._scope.project_id(project_ref)
        status_id = data.id or new_id()

        async def decide(work: Work) -> Status:
            await _open_project(work, project_id)
            if await work.get(Status, status_id) is not None:
                raise already_exists("status", "id")
            statuses = await queries.of_project(work, project_id)
            rules.check_room(statuses)
            rules.check_name(statuses, data.name)
            rank = ranks.between(statuses[-1].rank if statuses else None, None)
            return work.add(_new(work, status_id, project_id, data.name, data.category, rank))

        return await self._scope.run(Command("status.create", decide, {Project: [project_id]}))

    async def update(self, project_ref: str, status_id: str, patch: StatusPatch) -> Outcome[Status]:
        changes = patch.model_dump(exclude_unset=True)
        project_id = await self._scope.project_id(project_ref)

        async def decide(work: Work) -> Status:
            status = await self._present(work, project_id, status_id)
            if "name" in changes:
                statuses = await queries.of_project(work, project_id)
                rules.check_name(statuses, changes["name"], except_id=status_id)
            return work.update(status, **changes)

        return await self._scope.run(Command("status.update", decide, {Status: [status_id]}))

    async def move(self, project_ref: str, status_id: str, data: StatusMove) -> Outcome[Status]:
        """Another place on the board."""
        project_id = await self._scope.project_id(project_ref)

        async def decide(work: Work) -> Status:
            status = await self._present(work, project_id, status_id)
            statuses = await queries.of_project(work, project_id)
            return work.update(status, rank=rules.place_after(statuses, status, data.after_id))

        return await self._scope.run(Command("status.move", decide, {Status: [status_id]}))

    async def delete(self, project_ref: str, status_id: str) -> Outcome[None]:
        """Raises `last_status`, and `in_use` (from the tasks) while any task has the status."""
        project_id = await self._scope.project_id(project_ref)

        async def decide(work: Work) -> None:
            status = await self._present(work, project_id, status_id)
            others = [one for one in await queries.of_project(work, project_id) if one.id != status_id]
            if not others:
                raise PastisError(ErrorCode.LAST_STATUS)
            project = await work.require(Project, project_id)
            if project.default_status_id == status_id:
                work.update(project, default_status_id=rules.default_of(others).id)
            work.remove(status)

        return await self._scope.run(Command("status.delete", decide, {Status: [status_id]}))

    async def _present(self, work: Work, project_id: str, status_id: str) -> Status:
        await _open_project(work, project_id)
        status = await work.require(Status, status_id)
        if status.project_id != project_id:
            raise not_found("status")
        self._scope.check_version(status)
        return status


async def _open_project(work: Work, project_id: str) -> Project:
    project = await work.require(Project, project_id)
    if project.archived_at is not None:
        raise PastisError(ErrorCode.ARCHIVED, kind="project")
    return project


def _new(work: Work, id_: str, project_id: str, name: str, category: Category, rank: str) -> Status:
    return Status(
        id=id_,
        workspace_id=work.workspace_id,
        project_id=project_id,
        name=name,
        category=category,
        rank=rank,
        created_at=work.now,
        updated_at=work.now,
    )
