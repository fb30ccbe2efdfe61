"""Restores a backup into an empty database: documents, brought to a number by their log, and the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from app.core.clock import Clock
from app.core.database.engine import Database, unhurried
from app.core.database.migrations import migrate
from app.core.documents import Doc, Entity
from app.core.log import Event
from app.models import DOCUMENTS, ENTITIES
from app.models.audit import AuditEntry
from app.models.imports import ImportRun
from app.models.migrations import MIGRATIONS
from app.schemas.backups import BackupFile, Manifest, Mark, Part
from app.services.backups import queries, rules, verifying
from app.services.backups.archive import Archive
from app.services.backups.envelope import BackupError, document
from app.services.integrity import Report, check_all
from app.services.memberships import Departures
from app.services.memberships.rules import NOBODY
from app.services.sync import SyncEngine

BATCH = 1000
Write = Callable[[Database, str, list[bytes]], Awaitable[None]]
Step = Callable[[type[Entity], str, Doc | None, Doc], Doc | None]
_SEARCHED = (AuditEntry, Event, ImportRun)
"""What is looked for in before all is there; other indexes are made in the end, which is quicker."""
_SINCE = frozenset(model.__collection__ for model in rules.SINCE)
# Imports go back with their workspace, and are counted where it does not.
_WHOLE = frozenset(model.__collection__ for model in rules.WHOLE if model is not ImportRun)


class UnfinishedRestoreError(Exception):
    """The database is being restored, or was when something interrupted it: it is not whole."""


@dataclass(slots=True)
class Restored:
    """What was restored. `reports` hold each workspace's documents against its log."""

    numbers: tuple[int, int]
    at: datetime
    """What the last backup is of: what belongs to no workspace is as it was then."""
    reports: list[Report] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)
    erased: int = 0
    """Memberships of deleted accounts, whose names were erased again."""

    @property
    def good(self) -> bool:
        return not self.miscounted and all(report.good for report in self.reports)


async def refuse_unfinished(database: Database) -> None:
    """Raise UnfinishedRestoreError where a restore has not come to its end."""
    if await queries.restoring(database):
        raise UnfinishedRestoreError(
            "This database is being restored, or a restore was interrupted: run pastis restore again."
        )


class RestoreEngine:
    def __init__(self, database: Database, sync: SyncEngine, departures: Departures, clock: Clock) -> None:
        self._database = database
        self._sync = sync
        self._departures = departures
        self._clock = clock

    async def restore(
        self,
        archive: Archive,
        *,
        number: int | None = None,
        seqs: Mapping[str, int] | None = None,
        at: datetime | None = None,
    ) -> Restored:
        """Restore the last backup, or that of a number; take workspaces back to a number, or all to a time.

        Everything is read and found good before anything is written. What was interrupted begins anew. Raises
        BackupError: the database is not empty, a file is not as it was written, the backup does not reach
        there.
        """
        held = await queries.holds(self._database)
        if held is not None:
            raise BackupError(
                f"The database {self._database.name} is not empty: {held} has documents. Name a new one in "
                "PASTIS_DATABASE_NAME."
            )
        backups = verifying.latest(archive, number)
        chain = [one.manifest for one in backups]
        _check_known(chain[-1])
        # It takes minutes where there is much, in which the driver must hear from the database.
        verified = await asyncio.to_thread(verifying.verify, archive, backups, at)
        targets = rules.targets(chain[-1], seqs or {}, verified.later)
        restored = Restored(verified.numbers, verified.at)
        with unhurried():  # one may be on all events of a log
            await self._write(archive, chain, targets)
            restored.erased = await self._forget()
            await self._finish(restored, chain[-1])
        return restored

    async def _write(self, archive: Archive, chain: Sequence[Manifest], targets: Mapping[str, int]) -> None:
        newest = chain[-1]
        await queries.begin(self._database, self._clock.now())
        await self._load(archive, chain)
        for mark in newest.workspaces:
            await self._bring_forward(mark)
        await self._set_internal(archive, newest)
        ends = {mark.id: targets.get(mark.id, mark.seq) for mark in newest.workspaces}
        for mark in newest.workspaces:
            await self._take_back(mark, ends[mark.id])
        await queries.drop_answers(self._database, ends)

    async def _load(self, archive: Archive, chain: Sequence[Manifest]) -> None:
        newest = chain[-1]
        for file in (file for manifest in chain for file in manifest.files):
            if file.part is Part.DOCUMENTS or file.part is Part.LOG:
                await self._each(archive, file, queries.insert)
            elif file.part is Part.BESIDE and (file in newest.files or file.collection in _SINCE):
                await self._each(archive, file, queries.replace)
        heads = [
            {"_id": one.id, "seq": one.seq, "writes": one.seq + 1, "floor": one.floor, "epoch": one.epoch}
            for one in newest.workspaces
        ]
        await queries.insert_heads(self._database, heads)
        done = [{"_id": one.number, "name": one.name, "state": "done"} for one in newest.migrations]
        await queries.insert_migrations(self._database, done)
        await self._database.create_indexes(_SEARCHED)
        await migrate(self._database, MIGRATIONS, self._clock)

    async def _each(self, archive: Archive, file: BackupFile, write: Write) -> None:
        documents = archive.documents(file)
        while some := list(islice(documents, BATCH)):
            await write(self._database, file.collection, some)

    async def _bring_forward(self, mark: Mark) -> None:
        """From documents as they were read to documents as of the end of the log."""
        async for events in queries.events(self._database, mark.id, mark.start, mark.seq):
            await self._apply(mark.id, [op for event in events for op in event["ops"]], rules.forward)

    async def _take_back(self, mark: Mark, seq: int) -> None:
        """To documents as of a number, from those as of the end of the log; and the log ends there."""
        if seq < mark.seq:
            async for events in queries.events(self._database, mark.id, seq, mark.seq, back=True):
                ops = [op for event in events for op in reversed(event["ops"])]
                await self._apply(mark.id, ops, rules.back)
            await queries.mark_merging(self._database, mark.id)
        # What is beside was read after the log, and may be ahead of it.
        await queries.cut(self._database, mark.id, seq)
        if mark.floor:
            await queries.shorten(self._database, mark.id, mark.floor)
        if not seq:
            await queries.remove_workspace(self._database, mark.id)

    async def _apply(self, workspace_id: str, ops: Sequence[Doc], step: Step) -> None:
        keys = [(ENTITIES[op["kind"]], op["id"]) for op in ops]
        docs: dict[queries.Key, Doc | None] = {
            **dict.fromkeys(keys),
            **await queries.load(self._database, set(keys)),
        }
        for key, op in zip(keys, ops, strict=True):
            docs[key] = step(key[0], workspace_id, docs[key], op)
        await queries.store(self._database, docs)

    async def _set_internal(self, archive: Archive, newest: Manifest) -> None:
        for file in newest.files:
            if file.part is Part.INTERNAL:
                documents = map(document, archive.documents(file))
                while some := list(islice(documents, BATCH)):
                    await queries.set_fields(self._database, file.collection, some)

    async def _forget(self) -> int:
        """Erase again whose account was deleted by the time of the last backup.

        Older files have their names, and so has a log that was taken back to before.
        """
        await queries.drop_former_avatars(self._database)
        erased = await queries.memberships_of_nobody(self._database, NOBODY)
        await queries.forget(self._database, erased, NOBODY)
        await self._departures.clean_log(erased)
        return len(erased)

    async def _finish(self, restored: Restored, newest: Manifest) -> None:
        await self._database.create_indexes(DOCUMENTS)
        for file in newest.files:
            if file.part is Part.BESIDE and file.collection in _WHOLE:
                found = await queries.count(self._database, file.collection)
                if found != file.documents:
                    restored.miscounted.append(f"{file.collection}: {found} in the place of {file.documents}")
        restored.reports = await check_all(self._database)
        await self._sync.renew_epochs()
        await queries.end(self._database)


def _check_known(newest: Manifest) -> None:
    known = {one.number for one in MIGRATIONS}
    if any(one.number not in known for one in newest.migrations):
        raise BackupError(f"The backup was made by Pastis {newest.pastis}, which is newer than this one.")
