"""Reads backups as a restore would, and writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.schemas.backups import Backup, Part
from app.services.backups import rules
from app.services.backups.archive import Archive
from app.services.backups.envelope import BackupError, document


@dataclass(frozen=True, slots=True)
class Verified:
    """A full backup with its increments, all of whose files are as they were written."""

    numbers: tuple[int, int]
    at: datetime
    """What the last one is of."""
    files: int
    bytes: int
    documents: int
    workspaces: int
    events: int
    lacking: int
    """Numbers without an event, as they were in the database."""
    later: Mapping[str, int]
    """The first number of each workspace whose event is newer than the time that was asked for."""


def verify(archive: Archive, chain: Sequence[Backup], at: datetime | None = None) -> Verified:
    """Read every file of a full backup and its increments.

    Raises BackupError where one is missing or was changed, and where the log does not go on from one to the
    next.
    """
    rules.check_chain(chain)
    reader, documents = rules.LogReader(at), 0
    for manifest in (one.manifest for one in chain):
        reader.begin(manifest)
        for file in manifest.files:
            for one in archive.documents(file):
                documents += 1
                if file.part is Part.LOG:
                    reader.see(document(one))
        reader.end()
    files = [file for one in chain for file in one.manifest.files]
    return Verified(
        numbers=(chain[0].number, chain[-1].number),
        at=chain[-1].manifest.at,
        files=len(files),
        bytes=sum(file.bytes for file in files),
        documents=documents,
        workspaces=len(chain[-1].manifest.workspaces),
        events=reader.events,
        lacking=reader.lacking,
        later=reader.later,
    )


def verify_all(archive: Archive) -> list[Verified]:
    """Every full backup there with its increments. Raises BackupError where there is none too."""
    found = rules.chains(archive.backups())
    if not found:
        raise BackupError("There is no backup.")
    return [verify(archive, chain) for chain in found]


def latest(archive: Archive, number: int | None = None) -> list[Backup]:
    """The last full backup and its increments, or as they were after a backup of this number.

    Raises BackupError where there is none.
    """
    backups = archive.backups()
    if number is not None:
        backups = [one for one in backups if one.number <= number]
    if not backups or number not in {None, backups[-1].number}:
        raise BackupError("There is no backup." if number is None else f"There is no backup {number}.")
    return rules.chains(backups)[-1]
