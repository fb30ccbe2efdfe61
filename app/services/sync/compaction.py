"""Shortens a workspace's log: events become tombstones, as far as clients who come back need to know of them.

Floor, tombstones and log change in one transaction, a batch of events at a time: who reads them in one moment
sees all of them before or all after. A compaction that is interrupted has shortened the log by whole batches.
"""

from datetime import datetime

from app.core.database.engine import DURABLE, SNAPSHOT, Database
from app.core.documents import Doc
from app.core.errors import not_found
from app.services.sync import queries
from app.services.sync.rules import departures

BATCH = 500
"""Events that one transaction deletes: some hundredths of a second, in which the workspace's writers wait."""


class Compaction:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def until(self, workspace_id: str, before: datetime) -> int:
        """The last number such that its event, and all before it, are older than a time.

        Raises `not_found`.
        """
        head = await self._head(workspace_id)
        first = await queries.first_since(self._database, workspace_id, before)
        return int(head["seq"]) if first is None else first - 1

    async def compact(self, workspace_id: str, until: int) -> int:
        """Delete the events up to a number, for good; gives how many. Safe to call again, also meanwhile.

        Raises `not_found`.
        """
        found = 0
        floor = (await self._head(workspace_id))["floor"]
        while floor < until:
            found += await self._shorten(workspace_id, floor, until)
            floor = (await self._head(workspace_id))["floor"]
        return found

    async def _shorten(self, workspace_id: str, floor: int, until: int) -> int:
        """One batch, unless somebody else has moved the floor."""
        events = await queries.events(self._database, workspace_id, floor, until=until, limit=BATCH)
        if not events or events[0]["seq"] != floor + 1:
            return 0
        to, gone = events[-1]["seq"], list(departures(events))

        async def work(session: queries.Session) -> bool:
            return await queries.shorten(self._database, workspace_id, floor, to, gone, session)

        async with self._database.session() as session:
            moved = await session.with_transaction(work, SNAPSHOT, DURABLE)
        return to - floor if moved else 0

    async def _head(self, workspace_id: str) -> Doc:
        found = (await queries.heads(self._database, [workspace_id])).get(workspace_id)
        if found is None:
            raise not_found("workspace")
        return found
