"""Processes that die amid a migration: after any number of writes to the database."""

import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.database.migrations import COLLECTION as MIGRATION_RECORDS
from app.core.database.migrations import LOCK, Migration, migrate


class Killed(BaseException):
    """No exception that anything catches: nothing is tidied up by whom it hits."""


_READS = frozenset({"aggregate", "distinct", "find", "getMore", "hello", "listCollections", "listIndexes"})
"""Whoever dies after one leaves what was there before it."""


class Death(CommandListener):
    """Comes when so many writes were answered; nothing is sent after it. Without a number it never does.

    The driver hands a BaseException of its listeners on.
    """

    def __init__(self, after: int | None = None) -> None:
        self.after = after
        self.writes = 0

    def started(self, event: CommandStartedEvent) -> None:
        if self._is_here() and event.command_name not in _READS:
            self.strike()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._count(event.command_name)

    def failed(self, event: CommandFailedEvent) -> None:
        self._count(event.command_name)

    def strike(self) -> None:
        raise Killed

    def _count(self, command: str) -> None:
        if command not in _READS:
            self.writes += 1
            if self._is_here():
                self.strike()

    def _is_here(self) -> bool:
        return self.after is not None and self.writes >= self.after


class Sigkill(Death):
    """The death of the whole process."""

    def strike(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@asynccontextmanager
async def mortal(url: str, name: str, death: Death) -> AsyncIterator[Database]:
    """A connection of a process that may die."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        url, tz_aware=True, w="majority", journal=True, event_listeners=[death]
    )
    try:
        yield Database(client, name)
    finally:
        death.after = None  # what is sent now is no part of it
        await client.close()


async def migrate_until(url: str, name: str, migrations: Sequence[Migration], death: Death) -> bool:
    """Migrate; give whether it was done before death came."""
    async with mortal(url, name, death) as database:
        try:
            await migrate(database, migrations, Clock())
        except Killed:
            return False
    return True


async def end_lease(database: Database) -> None:
    """What half a minute does: whoever died holds the lock no more."""
    await database.raw(MIGRATION_RECORDS).delete_one({"_id": LOCK})
