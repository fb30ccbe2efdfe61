"""Whom each process has: written as it changes and every few seconds, and read by the others."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from time import monotonic
from typing import Any

from app.core.database.doorbell import Ring
from app.core.database.engine import Database
from app.core.rounds import Rounds
from app.models.presences import Presence
from app.services.sync import queries
from app.services.sync.hub import Hub
from app.utils.ids import new_id

REFRESH_SECONDS = 3.0
GATHER_SECONDS = 0.1
"""Who types says so again and again: what comes within this time is written once."""

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class PeopleExchange:
    def __init__(self, database: Database, hubs: Callable[[], Iterable[Hub]], spawn: Spawn) -> None:
        self._database = database
        self._hubs = hubs
        self._spawn = spawn
        self._process_id = new_id()
        self._written: dict[str, float] = {}
        """When, by workspace: as long as anybody is there."""
        self._changed: set[str] = set()
        self._write_changed = Rounds(self._write)
        self._read_all = Rounds(self.read)

    def rings(self) -> list[Ring]:
        changes = {"operationType": {"$in": ["insert", "replace", "update", "delete"]}}
        return [Ring(Presence, changes, self._on_ring)]

    def keep(self, hub: Hub) -> None:
        """Somebody came, went or moved."""
        self._changed.add(hub.log.workspace_id)
        self._spawn(self._write_changed())

    async def tick(self) -> None:
        """Say that ours are here still, and hear of the others."""
        now = monotonic()
        self._changed |= {id_ for id_, at in self._written.items() if now - at > REFRESH_SECONDS}
        await self._write_changed()
        await self._read_all()

    async def close(self) -> None:
        """Ours are gone."""
        for workspace_id in self._written:
            await queries.keep_people(self._database, self._process_id, workspace_id, [])

    async def read(self) -> None:
        hubs = {hub.log.workspace_id: hub for hub in self._hubs() if hub.lobby}
        if hubs:
            written = await queries.people(self._database, self._process_id, list(hubs))
            for workspace_id, hub in hubs.items():
                hub.lobby.hear(written[workspace_id])

    async def _write(self) -> None:
        if not self._changed:
            return
        await asyncio.sleep(GATHER_SECONDS)
        changed, self._changed = self._changed, set()
        hubs = {hub.log.workspace_id: hub for hub in self._hubs()}
        for workspace_id in changed:
            hub = hubs.get(workspace_id)
            people = [] if hub is None else [one.as_doc() for one in hub.lobby.people.own.values()]
            if people or workspace_id in self._written:
                await queries.keep_people(self._database, self._process_id, workspace_id, people)
            if people:
                self._written[workspace_id] = monotonic()
            else:
                self._written.pop(workspace_id, None)

    def _on_ring(self, id_: str) -> None:
        workspace_id, _, process_id = id_.partition(":")
        if process_id != self._process_id and any(
            hub.log.workspace_id == workspace_id and hub.lobby for hub in self._hubs()
        ):
            self._spawn(self._read_all())
