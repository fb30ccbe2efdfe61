"""Tasks: made, changed, ranked, moved, put away and taken back; one, or many at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from app.core.documents import SentOn
from app.core.errors import FieldCode, PastisError, invalid, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.tasks import Task
from app.schemas.tasks import (
    NOBODY,
    TaskCreate,
    TaskCreateOperation,
    TaskListQuery,
    TaskMove,
    TaskOperation,
    TaskPatch,
    TaskRank,
)
from app.services.access import Page, PageRequest, Scope
from app.services.tasks import queries, rules
from app.services.tasks.commands import TaskCommands


async def resolve_task(scope: Scope, ref: str) -> str:
    """The id of a task named by id, key or former key; raises `not_found` for a key that no task has."""
    return await queries.resolve(scope, ref)


async def project_of(scope: Scope, project_ref: str | None, task_ref: str | None) -> str | None:
    """The id of the project, or of a task's, that is named; None for neither.

    Raises `not_found`, and `validation_failed` for both.
    """
    if task_ref is None:
        return None if project_ref is None else await scope.project_id(project_ref)
    if project_ref is not None:
        raise invalid("/query/task", FieldCode.INVALID_CHOICE, exclusive="project, task")
    task = await queries.get(scope, task_ref)
    if task is None:
        raise not_found("task")
    return str(task.place["project_id"])


class TaskEngine:
    """What the verbs that change do and raise is said at their commands."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._commands = TaskCommands(scope)

    async def get(self, ref: str) -> SentOn:
        """A task by id, key or former key; raises `not_found`."""
        found = await queries.get(self._scope, ref)
        if found is None:
            raise not_found("task")
        return found

    async def page(self, query: TaskListQuery) -> Page:
        """A list of tasks; raises `not_found` for the project or parent that it names, `invalid_cursor`."""
        scope = self._scope
        project_id = None if query.project is None else await scope.project_id(query.project)
        parent_id = query.parent
        if parent_id is not None and parent_id != NOBODY:
            parent_id = await queries.resolve(scope, parent_id)
        wanted = rules.read_filter(query, project_id, parent_id, scope.standing.membership_id)
        return await queries.page(
            scope,
            wanted,
            query.sort.removeprefix("-"),
            PageRequest(query.limit, query.cursor, query.count),
            descending=query.sort.startswith("-"),
            described=query.include is not None,
        )

    async def create(self, data: TaskCreate) -> Outcome[Task]:
        return await self._scope.run(await self._commands.create(data))

    async def update(self, ref: str, patch: TaskPatch) -> Outcome[Task]:
        return await self._scope.run(await self._commands.update(ref, patch))

    async def rank(self, ref: str, data: TaskRank) -> Outcome[Task]:
        return await self._scope.run(await self._commands.rank(ref, data))

    async def move(self, ref: str, data: TaskMove) -> Outcome[Task]:
        return await self._scope.run(await self._commands.move(ref, data))

    async def archive(self, ref: str) -> Outcome[Task]:
        return await self._scope.run(await self._commands.archive(ref))

    async def unarchive(self, ref: str) -> Outcome[Task]:
        return await self._scope.run(await self._commands.unarchive(ref))

    async def trash(self, ref: str) -> Outcome[Task]:
        return await self._scope.run(await self._commands.trash(ref))

    async def restore(self, ref: str) -> Outcome[Task]:
        return await self._scope.run(await self._commands.restore(ref))

    async def batch(self, operations: Sequence[TaskOperation]) -> list[Outcome[Task]]:
        """All operations or none, each a command that sees the ones before it.

        A refusal points to the operation that it is about.
        """
        commands = [await self._command(number, one) for number, one in enumerate(operations)]
        try:
            return await self._scope.run_all(commands)
        except PastisError as error:
            # That another workspace has an id is told by the database, which knows no operations.
            taken = next((one.params.get("value", "") for one in error.errors), "")
            for number, one in enumerate(operations):
                if isinstance(one, TaskCreateOperation) and one.body.id == taken:
                    raise error.within(f"/operations/{number}", "/body") from error
            raise

    async def _command(self, number: int, operation: TaskOperation) -> Command[Task]:
        with _pointing_to(number):
            command = await self._commands.of(operation)

        async def decide(work: Work) -> Task:
            with _pointing_to(number):
                task = await command.decide(work)
                await work.check_rights()
                return task

        return replace(command, decide=decide)


@contextmanager
def _pointing_to(number: int) -> Iterator[None]:
    """Have refusals point to an operation of the batch."""
    try:
        yield
    except PastisError as error:
        raise error.within(f"/operations/{number}", "/body") from error
