"""The local side of a live workspace: replica, what is laid over it, and the queries that look at both."""

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

from pastis_client.commands import Command
from pastis_client.errors import PastisError
from pastis_client.optimism import Overlays, View
from pastis_client.query import Query
from pastis_client.replica import Change, Frame, Key, Replica, Told

Refused = Callable[[Command[Any], PastisError], None]


class Local:
    """Takes frames and answers in whatever order they come, and tells the queries whose documents changed."""

    def __init__(self, told: Refused, back: Callable[[], None], changed: Told | None = None) -> None:
        """`told` is told of refusals, `back` called when the server is there again.

        `changed` is told what became of each document, once there was a first replica.
        """
        self.ended: Exception | None = None
        """What has ended it, and is raised by whatever waits."""
        self.changed_at = 0
        """Grows with each change of the replica."""
        self.connected = False
        self.overlays = Overlays()
        self.view = View(Replica("", 0, ""), self.overlays)
        self._told = told
        self._back = back
        self._changed = changed
        self._queries: weakref.WeakSet[Query[Any]] = weakref.WeakSet()
        self._moved = asyncio.Event()

    @property
    def cursor(self) -> str | None:
        return self.view.replica.cursor or None

    def watch(self, query: Query[Any]) -> None:
        self._queries.add(query)
        if self.ended is not None:
            query.end(self.ended)

    def show(self, command: Command[Any]) -> None:
        self._publish(self.overlays.add(command))

    def answered(self, command: Command[Any], number: int) -> None:
        self.overlays.settle(command.mutation_id, number)
        self._publish(self.overlays.shed(self.view.replica.number))

    def refused(self, command: Command[Any], error: PastisError) -> None:
        self._publish(self.overlays.take_back(command.mutation_id))
        self._told(command, error)

    def apply(self, frame: Frame) -> None:
        replica = self.view.replica
        changes: list[Change] = []
        changed = replica.apply(frame, changes.append)
        self._take(changed | self.overlays.shed(replica.number))
        self._tell(changes)

    def replace(self, replica: Replica) -> None:
        former, self.view.replica = self.view.replica, replica
        shed = self.overlays.shed_answered() if replica.epoch != former.epoch else set()
        differences = former.differences(replica)
        self._take(differences | shed | self.overlays.shed(replica.number))
        if former.cursor:
            keys = sorted(differences)
            self._tell([Change(*key, former.get(*key), replica.get(*key)) for key in keys])

    def online(self, *, connected: bool) -> None:
        self.connected = connected
        if connected:
            self._back()

    def end(self, error: Exception) -> None:
        """Only the first end counts."""
        self.ended = self.ended or error
        for query in list(self._queries):
            query.end(self.ended)
        self._wake()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something holds; raises what has ended it."""
        while not reached():
            if self.ended is not None:
                raise self.ended
            await self._moved.wait()

    def _take(self, keys: set[Key]) -> None:
        self.changed_at += 1
        self._publish(keys)

    def _tell(self, changes: list[Change]) -> None:
        if self._changed is not None:
            for change in changes:
                self._changed(change)

    def _publish(self, keys: set[Key]) -> None:
        ids: dict[str, set[str]] = {}
        for kind, id_ in keys:
            ids.setdefault(kind, set()).add(id_)
        for query in list(self._queries):
            if query.kind in ids:
                query.refresh(ids[query.kind])
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
