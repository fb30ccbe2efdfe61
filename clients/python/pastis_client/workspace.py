"""One workspace: calls, and a live local copy of it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

from pastis_client import documents
from pastis_client.api import Api
from pastis_client.calls import Calls
from pastis_client.commands import Command
from pastis_client.documents import Doc
from pastis_client.errors import ClosedError
from pastis_client.follow import Follower
from pastis_client.local import Local, Refused
from pastis_client.query import Query
from pastis_client.queue import Pending, Queue
from pastis_client.replica import Replica, Told
from pastis_client.store import Store

T = TypeVar("T")
SAVE_SECONDS = 5.0
"""How far the stored replica may be behind; what is missing is fetched again."""


class Workspace:
    """A workspace, whose `calls` work at once. `async with` it to have it live.

    Then its documents are here, as the server has them and as the changes that wait will leave them. Changes
    given to `do` show at once, outlive a lost network and the process, and are done once. Queries follow.

    Entering it waits for the first snapshot, unless the store has the replica of before. What ends it for
    good (no member any more, the login has ended) is raised by whatever waits, and kept as `ended`.
    """

    def __init__(
        self,
        api: Api,
        store: Store,
        slug: str,
        params: Mapping[str, Any],
        refused: Refused,
        changed: Told | None = None,
    ) -> None:
        self.calls = Calls(api, slug)
        self._store = store
        self._name = f"{slug}/replica"
        self._local = Local(refused, self._hurry, changed)
        self._queue = Queue(self.calls.answer, store, f"{slug}/queue", self._local)
        self._follower = Follower(api, self.calls.path, dict(params), self._local)
        self._saved_at = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        kept = await self._store.load(self._name)
        if kept is not None:
            self._local.replace(Replica.from_json(kept))
        await self._queue.restore()
        for command in self._queue.commands:
            self._local.show(command)
        running: list[Coroutine[Any, Any, None]] = [self._follower.run(), self._queue.run(), self._keep()]
        self._tasks = [asyncio.create_task(self._guard(one)) for one in running]
        try:
            await self._local.until(lambda: self._local.cursor is not None)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._stop()
        await self._save()

    @property
    def ended(self) -> Exception | None:
        """What has ended it: ClosedError where it was left."""
        return self._local.ended

    @property
    def connected(self) -> bool:
        """Whether frames come."""
        return self._local.connected

    @property
    def number(self) -> int:
        """The number of the last event that the replica has."""
        return self._local.view.replica.number

    @property
    def waiting(self) -> list[Command[Any]]:
        """The changes that the server has not answered, the next one first."""
        return self._queue.commands

    async def do(self, command: Command[T]) -> Pending[T]:
        """Make a change: it shows at once, and is kept once this returns. Await what it gives for the answer.

        A refusal takes it back, is told to `refused`, and raised by what this gives.
        """
        if self.ended is not None:
            raise self.ended
        self._local.show(command)
        return await self._queue.put(command)

    async def reached(self, number: int) -> None:
        """Wait until the replica has the event of this number."""
        await self._local.until(lambda: self.number >= number)

    async def settled(self) -> None:
        """Wait until the server has answered all changes, and the replica has them."""
        await self._local.until(lambda: not self.waiting and self._local.overlays.empty)

    def get(self, kind: str, id_: str) -> Doc | None:
        """A document as it will be once all that waits is done."""
        return self._local.view.get(kind, id_)

    @overload
    def query(
        self,
        kind: Literal["task"],
        where: Callable[[documents.Task], bool] = ...,
        sort: Callable[[documents.Task], Any] = ...,
    ) -> Query[documents.Task]: ...

    @overload
    def query(
        self,
        kind: Literal["project"],
        where: Callable[[documents.Project], bool] = ...,
        sort: Callable[[documents.Project], Any] = ...,
    ) -> Query[documents.Project]: ...

    @overload
    def query(
        self,
        kind: Literal["comment"],
        where: Callable[[documents.Comment], bool] = ...,
        sort: Callable[[documents.Comment], Any] = ...,
    ) -> Query[documents.Comment]: ...

    @overload
    def query(
        self, kind: str, where: Callable[[Any], bool] = ..., sort: Callable[[Any], Any] = ...
    ) -> Query[Any]: ...

    def query(
        self,
        kind: str,
        where: Callable[[Any], bool] = lambda _: True,
        sort: Callable[[Any], Any] = lambda doc: doc["id"],
    ) -> Query[Any]:
        """The documents of a kind for which `where` holds, in the order of `sort`.

        It follows them as long as you keep it.
        """
        query: Query[Any] = Query(self._local.view, kind, where, sort)
        self._local.watch(query)
        return query

    def _hurry(self) -> None:
        self._queue.poke()

    async def _guard(self, running: Coroutine[Any, Any, None]) -> None:
        try:
            await running
        except Exception as error:  # noqa: BLE001 - it is raised by whatever waits
            self._end(error)

    def _end(self, error: Exception) -> None:
        for task in self._tasks:
            task.cancel()
        self._local.end(error)
        self._queue.end(error)

    async def _keep(self) -> None:
        """Store the replica now and then, where it has changed."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await self._save()

    async def _save(self) -> None:
        if self._saved_at != self._local.changed_at:
            self._saved_at = self._local.changed_at
            await self._store.save(self._name, self._local.view.replica.to_json())

    async def _stop(self) -> None:
        if self.ended is None:
            self._end(ClosedError("the workspace was left"))
        await asyncio.gather(*self._tasks, return_exceptions=True)
