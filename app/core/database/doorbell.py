"""One change stream a process: it tells at once what other processes have changed."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from odmantic import Model
from pymongo.errors import PyMongoError

from app.core.background import stop
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.logging import get_logger

WAIT_MS = 1000
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ring:
    """Which changes of a collection somebody wants to hear of, as change streams describe them."""

    model: type[Model]
    changes: Doc
    listener: Callable[[str], None]
    """Told the id of each document that was changed; must not wait for anything."""
    about: frozenset[str] = frozenset()
    """Of events, the kinds of documents that one must be about; all where none are named."""

    def hears(self, change: Doc) -> bool:
        ops = change.get("fullDocument", {}).get("ops", ())
        return not self.about or any(op["kind"] in self.about for op in ops)


class Doorbell:
    """Rings for what this process has done, too.

    It is a hint and no promise: while the stream is away, as on a database that knows none, nobody is told
    anything. Whoever listens must live with that.
    """

    def __init__(self, database: Database, rings: Sequence[Ring]) -> None:
        self._database = database
        self._rings: dict[str, list[Ring]] = {}
        wanted = []
        for ring in rings:
            name = ring.model.__collection__
            self._rings.setdefault(name, []).append(ring)
            wanted.append({"$and": [{"ns.coll": name}, ring.changes]})
        self._pipeline: list[Doc] = [
            {"$match": {"$or": wanted}},
            {"$project": {"ns.coll": 1, "documentKey._id": 1, "fullDocument.ops.kind": 1}},
        ]
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()
        """Set while the stream is open."""

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._listen_on(), name="doorbell")

    async def close(self) -> None:
        await stop(self._task)

    async def _listen_on(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._listen()
            except PyMongoError as error:
                logger.warning("the doorbell is silent", error=type(error).__name__)
            if self.listening.is_set():
                pause = FIRST_PAUSE_SECONDS
            self.listening.clear()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads the attempts
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Until the stream ends, as it does where the database is dropped."""
        database = self._database.engine.database
        async with await database.watch(self._pipeline, max_await_time_ms=WAIT_MS) as stream:
            self.listening.set()
            # One look has the timeout of every operation, and may find nothing; a loop over the stream would
            # have it until the next change.
            while stream.alive:
                change = await stream.try_next()
                if change is not None:
                    self._tell(change)

    def _tell(self, change: Any) -> None:
        for ring in self._rings[change["ns"]["coll"]]:
            if ring.hears(change):
                ring.listener(str(change["documentKey"]["_id"]))
