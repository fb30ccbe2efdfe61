"""Ordered changes of stored data: each runs once, is recorded, and goes on where it was interrupted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.core.clock import Clock
from app.core.database.engine import Database, unhurried
from app.core.documents import Doc
from app.core.logging import get_logger
from app.utils.ids import new_id

COLLECTION = "migrations"
LOCK = "lock"
LEASE = timedelta(seconds=30)
RETRY_SECONDS = 0.2
RENEW_SECONDS = LEASE.total_seconds() / 3
_LEASE_END: Doc = {"$add": ["$$NOW", int(LEASE.total_seconds() * 1000)]}

logger = get_logger(__name__)


class NewerDatabaseError(Exception):
    """The database was migrated by a newer version, which this one cannot undo."""


class BreakingMigrationError(Exception):
    """A migration that is still to be run would break the version that serves now."""


class Progress:
    """How far one migration has come; what is saved survives the process."""

    def __init__(self, database: Database, number: int, value: Any) -> None:
        self._database = database
        self._number = number
        self.value = value

    async def save(self, value: Any) -> None:
        self.value = value
        await self._database.raw(COLLECTION).update_one({"_id": self._number}, {"$set": {"progress": value}})


@dataclass(frozen=True, slots=True)
class Migration:
    """One change. `run` must bear being started again from its last saved progress.

    `needs` is the number of the last migration that a version must know to serve while this one runs, and
    afterwards. Without it, that is this one: only versions that know it can.
    """

    number: int
    name: str
    run: Callable[[Database, Progress], Awaitable[None]]
    needs: int | None = None

    @property
    def oldest(self) -> int:
        """The last migration that a version must know."""
        return self.number if self.needs is None else self.needs


async def status(database: Database, migrations: Sequence[Migration]) -> list[Doc]:
    """Every known migration with its state: `pending`, `running` or `done`."""
    records = {doc["_id"]: doc for doc in await _records(database)}
    return [
        {"number": one.number, "name": one.name, "state": records.get(one.number, {}).get("state", "pending")}
        for one in migrations
    ]


async def refuse_breaking(database: Database, migrations: Sequence[Migration]) -> None:
    """Raise BreakingMigrationError where the version that migrated last could not serve beside the others."""
    done = [doc["_id"] for doc in await _records(database)]
    if not done:
        return  # nobody serves an empty database
    breaking = [one for one in await _pending(database, migrations) if one.oldest > max(done)]
    if breaking:
        names = ", ".join(f"{one.number} ({one.name})" for one in breaking)
        raise BreakingMigrationError(f"the version that serves now could not go on beside these: {names}")


async def migrate(database: Database, migrations: Sequence[Migration], clock: Clock) -> list[str]:
    """Run what has not been run, in order, in one process at a time; give the names of those.

    Others that start meanwhile wait, and then find nothing to do. Raises NewerDatabaseError.
    """
    if not await _pending(database, migrations):
        return []
    async with _locked(database):
        # Whoever held the lock before may have run them.
        pending = await _pending(database, migrations)
        for migration in pending:
            await _run(database, migration, clock)
    return [migration.name for migration in pending]


async def _run(database: Database, migration: Migration, clock: Clock) -> None:
    records = database.raw(COLLECTION)
    started = {"name": migration.name, "state": "running", "needs": migration.oldest}
    first = {"started_at": clock.now(), "progress": None}
    await records.update_one({"_id": migration.number}, {"$set": started, "$setOnInsert": first}, upsert=True)
    record = await records.find_one({"_id": migration.number}) or {}
    logger.info("migrating the database", number=migration.number, name=migration.name)
    with unhurried():
        await migration.run(database, Progress(database, migration.number, record.get("progress")))
    await records.update_one(
        {"_id": migration.number}, {"$set": {"state": "done", "finished_at": clock.now()}}
    )


async def _records(database: Database) -> list[Doc]:
    return await database.raw(COLLECTION).find({"_id": {"$ne": LOCK}}).to_list()


def _needs(record: Doc) -> int:
    """What a version must know of a migration that it does not know; earlier records do not say."""
    return int(record["needs"] if "needs" in record else record["_id"])


async def _pending(database: Database, migrations: Sequence[Migration]) -> list[Migration]:
    records = await _records(database)
    known = {migration.number for migration in migrations}
    strangers = [doc for doc in records if doc["_id"] not in known]
    unbearable = [doc["_id"] for doc in strangers if _needs(doc) > max(known, default=0)]
    if unbearable:
        raise NewerDatabaseError(f"the database has migrations that this version cannot bear: {unbearable}")
    done = {doc["_id"] for doc in records if doc["state"] == "done"}
    return [migration for migration in migrations if migration.number not in done]


@asynccontextmanager
async def _locked(database: Database) -> AsyncIterator[None]:
    """Hold the lock, renewing its lease; a process that died lets go when the lease ends.

    By the database's clock, as those of processes may differ.
    """
    owner = new_id()
    while not await _acquire(database, owner):  # noqa: ASYNC110 - the event is in the database
        await asyncio.sleep(RETRY_SECONDS)
    renewing = asyncio.create_task(_renew(database, owner))
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing
        await database.raw(COLLECTION).delete_one({"_id": LOCK, "owner": owner})


async def _acquire(database: Database, owner: str) -> bool:
    is_free: Doc = {"$lte": [{"$ifNull": ["$expires_at", "$$NOW"]}, "$$NOW"]}
    taken = {
        "owner": {"$cond": [is_free, owner, "$owner"]},
        "expires_at": {"$cond": [is_free, _LEASE_END, "$expires_at"]},
    }
    try:
        lock = await database.raw(COLLECTION).find_one_and_update(
            {"_id": LOCK}, [{"$set": taken}], upsert=True, return_document=ReturnDocument.AFTER
        )
    except DuplicateKeyError:
        return False  # somebody was faster
    return lock is not None and lock["owner"] == owner


async def _renew(database: Database, owner: str) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        await database.raw(COLLECTION).update_one(
            {"_id": LOCK, "owner": owner}, [{"$set": {"expires_at": _LEASE_END}}]
        )
