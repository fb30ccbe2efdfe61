"""Imports: one document a run, by which its progress can be read."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class ImportSource(StrEnum):
    JIRA_ARCHIVE = "jira-archive"


class ImportState(StrEnum):
    """`interrupted` is also what a run is called whose process died: see `services/imports/rules.py`."""

    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    RUNNING = "running"


KEPT_SECONDS = 365 * 24 * 3600


class ImportRun(Entity):
    """A run of an import. It is no entity of the log: progress is not history (docs/decisions/0010).

    `total` and `done` count lines; `created`, `skipped` and `failed` count issues. `problems` are the first
    lines that were not imported, `failed` says how many there are.
    """

    KIND: ClassVar[str] = "import"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"request_key", "fingerprint"})
    PROJECT: ClassVar[None] = None

    id: str = Field(primary_field=True)
    workspace_id: str
    membership_id: str
    source: ImportSource
    filename: str
    strict: bool
    dry_run: bool
    state: ImportState = ImportState.RUNNING
    error: str | None = None
    total: int = 0
    done: int = 0
    created: int = 0
    skipped: int = 0
    failed: int = 0
    problems: list[Doc] = Field(default_factory=list)
    summary: dict[str, Any] | None = None
    started_at: datetime
    heartbeat: datetime
    finished_at: datetime | None = None
    request_key: str | None = None
    fingerprint: str | None = None

    model_config = {
        "collection": "imports",
        "indexes": lambda: [
            index("imports_by_start", "workspace_id", "started_at", "_id"),
            index("imports_expire", "heartbeat", expireAfterSeconds=KEPT_SECONDS),
            index(
                "imports_by_request",
                "workspace_id",
                "request_key",
                unique=True,
                partialFilterExpression={"request_key": {"$type": "string"}},
            ),
        ],
    }
