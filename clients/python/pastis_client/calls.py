"""Typed calls of one workspace."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack, cast

from pastis_client.api import Api
from pastis_client.commands import Command
from pastis_client.documents import (
    Comment,
    Event,
    Label,
    Membership,
    Project,
    Status,
    Task,
    TaskItem,
    Workspace,
)
from pastis_client.transport import Request

T = TypeVar("T")
PAGE = {"limit": 200}


class TaskFilters(TypedDict, total=False):
    """As the API takes them: several values with commas are alternatives."""

    project: str
    status: str
    category: str
    assignee: str
    label: str
    priority: str
    parent: str
    q: str
    state: Literal["active", "archived", "trashed"]
    created_since: str
    created_until: str
    updated_since: str
    updated_until: str
    due_since: str
    due_until: str
    sort: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a command led to, and the event that it became: 0 where it changed nothing."""

    value: T
    number: int


class Calls:
    """Reads and changes of a workspace over HTTP. Lists are async iterators over all their pages.

    Raises ProblemError where the server refuses, UnreachableError where no answer came for long, and
    LoginEndedError.
    """

    def __init__(self, api: Api, workspace: str) -> None:
        self._api = api
        self.path = f"/api/v1/workspaces/{workspace}"

    async def send(self, command: Command[T]) -> T:
        """Do it; safe to repeat with the same command, whatever came in between."""
        return (await self.answer(command)).value

    async def answer(self, command: Command[T]) -> Answer[T]:
        """As `send`, with the number of the event."""
        headers = {"Idempotency-Key": command.mutation_id}
        if command.if_version is not None:
            headers["If-Match"] = f'"{command.if_version}"'
        request = Request(command.method, self.path + command.path, command.body, headers=headers)
        came = await self._api.call(request)
        numbers = [int(number) for number in came.headers.get("Pastis-Event", "0").split(",")]
        return Answer(cast(T, came.json() if came.content else None), max(numbers))

    async def workspace(self) -> Workspace:
        return cast(Workspace, await self._api.get(self.path))

    async def membership_id(self) -> str:
        """One's own membership."""
        return cast(str, (await self._api.get(f"{self.path}/permissions"))["membership_id"])

    async def task(self, task: str) -> Task:
        """By its id, its key or a former key."""
        return cast(Task, await self._api.get(f"{self.path}/tasks/{task}"))

    def tasks(self, **filters: Unpack[TaskFilters]) -> AsyncIterator[TaskItem]:
        """Without `state`, those that are neither archived nor in the trash."""
        return self._list("/tasks", **filters)

    def activity(self, task: str) -> AsyncIterator[Event]:
        """The history of a task, from the newest."""
        return self._list(f"/tasks/{task}/activity")

    def comments(self, task: str) -> AsyncIterator[Comment]:
        return self._list(f"/tasks/{task}/comments")

    async def project(self, project: str) -> Project:
        """By its id or key."""
        return cast(Project, await self._api.get(f"{self.path}/projects/{project}"))

    def projects(self) -> AsyncIterator[Project]:
        return self._list("/projects")

    def statuses(self, project: str) -> AsyncIterator[Status]:
        """In the order of the board."""
        return self._list(f"/projects/{project}/statuses")

    def labels(self) -> AsyncIterator[Label]:
        return self._list("/labels")

    def memberships(self) -> AsyncIterator[Membership]:
        return self._list("/memberships")

    def events(self) -> AsyncIterator[Event]:
        """The log, from the newest."""
        return self._list("/events")

    def _list(self, path: str, **params: Any) -> AsyncIterator[Any]:
        return self._api.pages(self.path + path, {**PAGE, **params})
