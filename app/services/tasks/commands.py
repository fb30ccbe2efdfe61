"""The verbs of tasks as commands that are still to be run: one alone, or several together."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from app.core.documents import Doc
from app.core.errors import FieldCode, already_exists, invalid, not_found
from app.core.unit_of_work import Command, Work
from app.models.labels import Label
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.statuses import Status
from app.models.tasks import Task
from app.schemas.tasks import (
    TaskCreate,
    TaskCreateOperation,
    TaskMove,
    TaskMoveOperation,
    TaskOperation,
    TaskPatch,
    TaskRank,
    TaskRankOperation,
    TaskUpdateOperation,
)
from app.services.access import Permission, Scope
from app.services.statuses import project_statuses
from app.services.statuses.rules import counterpart
from app.services.tasks import queries, rules
from app.services.tasks.changes import apply_changes, check_references
from app.utils import ranks
from app.utils.ids import new_id

PERMISSIONS: Mapping[str, Permission] = {
    "archive": Permission.TASK_UPDATE,
    "create": Permission.TASK_CREATE,
    "move": Permission.TASK_UPDATE,
    "rank": Permission.TASK_UPDATE,
    "restore": Permission.TASK_DELETE,
    "trash": Permission.TASK_DELETE,
    "unarchive": Permission.TASK_UPDATE,
    "update": Permission.TASK_UPDATE,
}
"""What each action of a batch requires, as the route of the same verb does."""


class TaskCommands:
    """Making a command looks up the ids behind the keys that it names; raises `not_found`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def of(self, operation: TaskOperation) -> Command[Task]:
        """What an operation of a batch asks for; raises `permission_denied`."""
        permission = PERMISSIONS[operation.action]
        self._scope.demand(permission)
        return replace(await self._of(operation), permission=permission)

    async def _of(self, operation: TaskOperation) -> Command[Task]:
        if isinstance(operation, TaskCreateOperation):
            self._scope.check_version(None)
            return await self.create(operation.body)
        version = operation.version
        own = self if version is None else TaskCommands(replace(self._scope, if_match=(version,)))
        match operation:
            case TaskUpdateOperation():
                return await own.update(operation.task, operation.body)
            case TaskRankOperation():
                return await own.rank(operation.task, operation.body)
            case TaskMoveOperation():
                return await own.move(operation.task, operation.body)
        verbs = {
            "archive": own.archive,
            "restore": own.restore,
            "trash": own.trash,
            "unarchive": own.unarchive,
        }
        return await verbs[operation.action](operation.task)

    async def create(self, data: TaskCreate) -> Command[Task]:
        """A task at the end of its project's order.

        Raises `not_found` for what it names and is not there, `archived` for the project.
        """
        project_id = await self._scope.project_id(data.project_id)
        task_id = data.id or new_id()
        fields = data.model_dump(exclude={"id", "project_id"})
        if data.parent_id is not None:
            fields["parent_id"] = await queries.resolve(self._scope, data.parent_id)

        async def decide(work: Work) -> Task:
            project = await work.require(Project, project_id)
            rules.check_open(project)
            if data.id is not None and await work.get(Task, task_id) is not None:
                raise already_exists("task", "id")
            rules.check_dates(data.start_date, data.due_date)
            await check_references(work, task_id, fields)
            status = await _status(work, project, data.status_id)
            number = project.last_task_number + 1
            rank = ranks.between(project.last_rank, None)
            work.update(project, last_task_number=number, last_rank=rank)
            key = f"{project.key}-{number}"
            return work.add(
                Task(
                    **fields
                    | rules.status_changes(status, work.now)
                    | {
                        "id": task_id,
                        "workspace_id": work.workspace_id,
                        "project_id": project_id,
                        "key": key,
                        "rank": rank,
                        "reporter_id": data.reporter_id or work.actor["membership_id"],
                        "created_at": work.now,
                        "updated_at": work.now,
                    }
                )
            )

        reads: dict[Any, list[str]] = {
            Project: [project_id],
            Status: [data.status_id] if data.status_id else [],
            Label: data.label_ids,
            Membership: [*data.assignee_ids, *([data.reporter_id] if data.reporter_id else [])],
            Task: [task_id] if data.id else [],
        }
        return Command("task.create", decide, reads)

    async def update(self, ref: str, patch: TaskPatch) -> Command[Task]:
        """Merge the patch; what it does not name stays as it is by then."""
        changes = patch.model_dump(exclude_unset=True)
        if changes.get("parent_id") is not None:
            changes["parent_id"] = await queries.resolve(self._scope, changes["parent_id"])

        async def decide(work: Work, task: Task) -> Task:
            return await apply_changes(work, task, rules.merged(task, changes))

        return await self._change("task.update", ref, decide)

    async def rank(self, ref: str, data: TaskRank) -> Command[Task]:
        """Put a card beside another, into another column, or both. One small command."""
        anchor_ref = data.after_id or data.before_id
        if not (anchor_ref or data.status_id):
            raise invalid("/after_id", FieldCode.INVALID_CHOICE)
        anchor_id = None if anchor_ref is None else await queries.resolve(self._scope, anchor_ref)

        async def decide(work: Work, task: Task) -> Task:
            changes: Doc = {} if data.status_id is None else {"status_id": data.status_id}
            if anchor_id is not None:
                changes["rank"] = await _rank_beside(work, task, anchor_id, above=data.before_id is not None)
            return await apply_changes(work, task, changes)

        return await self._change("task.rank", ref, decide)

    async def move(self, ref: str, data: TaskMove) -> Command[Task]:
        """Into another project, with its history; the old key goes on working."""
        project_id = await self._scope.project_id(data.project_id)

        async def decide(work: Work, task: Task) -> Task:
            if task.project_id == project_id:
                return task
            target = await work.require(Project, project_id)
            rules.check_open(target)
            status = await self._status_there(work, task, target, data.status_id)
            key, number = rules.next_key(task, target)
            rank = ranks.between(target.last_rank, None)
            work.update(target, last_task_number=number, last_rank=rank)
            former = [one for one in [*task.former_keys, task.key] if one != key]
            return work.update(
                task,
                **rules.status_changes(status, work.now, task),
                project_id=project_id,
                key=key,
                former_keys=former,
                rank=rank,
            )

        return await self._change("task.move", ref, decide, reads={Project: [project_id]})

    async def archive(self, ref: str) -> Command[Task]:
        """Put a task away, off the lists and boards."""

        async def decide(work: Work, task: Task) -> Task:
            return work.update(task, archived_at=work.now)

        return await self._change("task.archive", ref, decide)

    async def unarchive(self, ref: str) -> Command[Task]:
        async def decide(work: Work, task: Task) -> Task:
            return work.update(task, archived_at=None)

        return await self._change("task.unarchive", ref, decide, archived=True)

    async def trash(self, ref: str) -> Command[Task]:
        """Throw a task away; it can be restored."""

        async def decide(work: Work, task: Task) -> Task:
            return work.update(task, trashed_at=work.now)

        return await self._change("task.trash", ref, decide, archived=True)

    async def restore(self, ref: str) -> Command[Task]:
        """Take a task out of the trash."""

        async def decide(work: Work, task: Task) -> Task:
            return work.update(task, trashed_at=None)

        return await self._change("task.restore", ref, decide, archived=True, trashed=True)

    async def _change(
        self,
        name: str,
        ref: str,
        decide: Callable[[Work, Task], Awaitable[Task]],
        *,
        reads: dict[Any, list[str]] | None = None,
        archived: bool = False,
        trashed: bool = False,
    ) -> Command[Task]:
        """A decision on one task of an open project, which is, unless allowed otherwise, not put away."""
        task_id = await queries.resolve(self._scope, ref)

        async def run(work: Work) -> Task:
            task = await work.require(Task, task_id)
            self._scope.check_version(task)
            if not (archived and task.trashed_at is None) and not trashed:
                rules.check_changeable(task)
            rules.check_open(await work.require(Project, task.project_id))
            return await decide(work, task)

        return Command(name, run, {Task: [task_id], **(reads or {})})

    @staticmethod
    async def _status_there(work: Work, task: Task, target: Project, status_id: str | None) -> Status:
        if status_id is not None:
            return await _status(work, target, status_id)
        present = await work.require(Status, task.status_id)
        return counterpart(await project_statuses(work, target.id), present, target.default_status_id)


async def _status(work: Work, project: Project, status_id: str | None) -> Status:
    status = await work.require(Status, status_id or project.default_status_id)
    if status.project_id != project.id:
        raise not_found("status")
    return status


async def _rank_beside(work: Work, task: Task, anchor_id: str, *, above: bool) -> str:
    anchor = await work.require(Task, anchor_id)
    if anchor.project_id != task.project_id:
        raise not_found("task")
    if anchor.id == task.id:
        return task.rank
    other = await queries.neighbour(work, task, project_id=task.project_id, rank=anchor.rank, above=above)
    if above:
        return ranks.between(other.rank if other else None, anchor.rank)
    if other is None:
        # Behind the last one: the project remembers, so that new tasks come after it.
        rank = ranks.between(anchor.rank, None)
        project = await work.require(Project, task.project_id)
        work.update(project, last_rank=max(rank, project.last_rank or rank))
        return rank
    return ranks.between(anchor.rank, other.rank)
