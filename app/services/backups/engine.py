"""Makes backups: documents as they are read, and the log up to a number, by which they are all brought there.

Writers are never held up and no moment of the database has to be kept: see docs/decisions/0054.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from odmantic import Model

from app import __version__
from app.core.clock import Clock
from app.core.database.engine import Database, unhurried
from app.core.documents import Doc
from app.core.log import Event
from app.models import ENTITIES
from app.schemas.backups import Backup, Manifest, Mark, Migrated, Part
from app.services.backups import queries, rules
from app.services.backups.archive import Archive, Draft
from app.services.backups.envelope import BackupError


@dataclass(slots=True)
class Made:
    """A backup that was made. `why_full` says why it is no increment, where it is none."""

    number: int
    why_full: str | None
    at: datetime
    workspaces: int = 0
    events: int = 0
    lacking: int = 0
    """Numbers for which the logs have no event: damage of before, which `pastis verify` names."""
    bytes: int = 0
    documents: Counter[str] = field(default_factory=Counter)
    removed: int = 0
    """Backups that were too old."""


class BackupEngine:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def backup(self, archive: Archive, *, full: bool = False, keep_days: int | None = None) -> Made:
        """Write what has come since the last backup there, or all; then remove what is too old.

        Raises BackupError, and leaves what was there before as it was.
        """
        known = archive.backups()
        archive.sweep(known)
        draft = archive.draft(known[-1].number + 1 if known else 1)
        try:
            with unhurried():  # a busy database is slow, and this is no request
                manifest, why_full = await self._write(draft, known, full=full)
        except BaseException:
            draft.discard()
            raise
        draft.finish(manifest)
        made = _summary(manifest, why_full)
        if keep_days is not None:
            made.removed = self._remove_expired(archive, keep_days)
        return made

    def _remove_expired(self, archive: Archive, keep_days: int) -> int:
        expired = rules.expired(archive.backups(), self._clock.now() - timedelta(days=keep_days))
        archive.remove(expired)
        return len(expired)

    async def _write(
        self, draft: Draft, known: Sequence[Backup], *, full: bool
    ) -> tuple[Manifest, str | None]:
        former = known[-1].manifest if known else None
        heads, migrations = await queries.heads(self._database), await self._migrations()
        why_full = rules.why_full(known, heads, migrations) or ("it was asked for" if full else None)
        starts = None
        if why_full is not None:
            starts = {head["_id"]: head["seq"] for head in heads}
            for model in ENTITIES.values():
                await self._copy(draft, Part.DOCUMENTS, model, {})
        # Where the logs stand now is no older than any document that was copied.
        at, heads = self._clock.now(), await queries.heads(self._database)
        marks = await self._logs(draft, heads, former, starts)
        await self._beside(draft, None if why_full or former is None else former.at - rules.OVERLAP)
        if migrations != await self._migrations():
            raise BackupError("The data was migrated meanwhile. Make the backup again.")
        return Manifest(
            number=draft.number,
            full=why_full is not None,
            parent=known[-1].sha256 if known else None,
            at=at,
            pastis=__version__,
            migrations=migrations,
            workspaces=marks,
            files=draft.files,
        ), why_full

    async def _migrations(self) -> list[Migrated]:
        return [
            Migrated(number=doc["_id"], name=doc["name"]) for doc in await queries.migrations(self._database)
        ]

    async def _logs(
        self, draft: Draft, heads: Sequence[Doc], former: Manifest | None, starts: dict[str, int] | None
    ) -> list[Mark]:
        before = {} if former is None else former.marks
        slugs = await queries.slugs(self._database)
        marks = []
        with draft.file(Part.LOG, Event.__collection__) as packer:
            for head in heads:
                start = None if starts is None else starts.get(head["_id"], 0)
                mark = rules.mark(head, slugs.get(head["_id"], ""), before.get(head["_id"]), start)
                done = packer.documents
                if mark.since < mark.seq:
                    async for batch in queries.log(self._database, mark.id, mark.since, mark.seq):
                        packer.add(batch)
                marks.append(mark.model_copy(update={"events": packer.documents - done}))
        now = {head["_id"]: head["floor"] for head in await queries.heads(self._database)}
        if any(rules.shortened(mark, now.get(mark.id, 0), full=starts is not None) for mark in marks):
            raise BackupError("A log was shortened meanwhile. Make the backup again.")
        return marks

    async def _beside(self, draft: Draft, since: datetime | None) -> None:
        """What is not in the logs: read after they were, so that whoever they name is there."""
        for model in rules.WHOLE:
            await self._copy(draft, Part.BESIDE, model, {})
        for model, time in rules.SINCE.items():
            await self._copy(draft, Part.BESIDE, model, {} if since is None else {time: {"$gte": since}})
        for entity, fields in rules.INTERNAL.items():
            await self._copy(draft, Part.INTERNAL, entity, {}, fields)

    async def _copy(
        self, draft: Draft, part: Part, model: type[Model], query: Doc, fields: Sequence[str] = ()
    ) -> None:
        with draft.file(part, model.__collection__) as packer:
            async for batch in queries.copies(self._database, model, query, fields):
                packer.add(batch)


def _summary(manifest: Manifest, why_full: str | None) -> Made:
    made = Made(manifest.number, why_full, manifest.at, len(manifest.workspaces))
    made.events = sum(mark.events for mark in manifest.workspaces)
    made.lacking = sum(mark.seq - mark.since - mark.events for mark in manifest.workspaces)
    made.bytes = sum(file.bytes for file in manifest.files)
    for file in manifest.files:
        if file.part is not Part.INTERNAL:
            made.documents[file.collection] += file.documents
    return made
