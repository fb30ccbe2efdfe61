"""What a backup says of itself."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Part(StrEnum):
    """What the documents of a file are in a backup."""

    DOCUMENTS = "documents"
    """A workspace's documents, each as it was when it was read: older than the log's end, never newer."""
    LOG = "log"
    """Events since the former backup, or all."""
    BESIDE = "beside"
    """What belongs to no workspace, and what of a workspace is not in its log."""
    INTERNAL = "internal"
    """Fields of documents that are not in the log and follow from nothing that is."""


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BackupFile(_Stored):
    """`bytes` and `sha256` are of the file as it lies there, compressed and perhaps encrypted."""

    name: str
    part: Part
    collection: str
    documents: int
    bytes: int
    sha256: str


class Mark(_Stored):
    """Where a workspace's log stood. The events in (`since`, `seq`] are in this backup."""

    id: str
    slug: str
    """What it was called then, for people."""
    epoch: str
    seq: int
    floor: int
    since: int
    start: int
    """The number that no document copied by the last full backup is older than."""
    events: int
    """How many events there were: fewer than numbers where the log lacks some."""


class Migrated(_Stored):
    number: int
    name: str


class Manifest(_Stored):
    """Written last: a backup without one is incomplete, and counts for nothing."""

    format: Literal["pastis-backup"] = "pastis-backup"
    version: Literal[1] = 1
    number: int
    full: bool
    parent: str | None
    """The SHA-256 of the manifest before; None for the first one."""
    at: datetime
    """When it was read where the logs stood."""
    pastis: str
    migrations: list[Migrated]
    workspaces: list[Mark]
    files: list[BackupFile]

    @property
    def marks(self) -> dict[str, Mark]:
        return {one.id: one for one in self.workspaces}


class Backup(_Stored):
    """One that is complete: what it says of itself, and the SHA-256 of that."""

    manifest: Manifest
    sha256: str

    @property
    def number(self) -> int:
        return self.manifest.number
