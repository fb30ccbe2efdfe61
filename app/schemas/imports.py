"""Imports: what is asked for, and how a run is going."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.models.imports import ImportState
from app.models.statuses import Category
from app.schemas.base import ID, OTHER_ID, TIME, Body, Id, Shown, example


class ImportForm(Body):
    """The fields of the form beside its file."""

    source: Literal["jira-archive"] = Field("jira-archive", description="What wrote the file.")
    strict: bool = Field(False, description="Import nothing where any line is bad.")
    dry_run: bool = Field(False, description="Say what would be imported, and import nothing.")


class ImportProblemRead(Shown):
    line: int
    key: str | None = Field(description="The issue's key, where it could be read.")
    code: str = Field(
        description="`not_json`, `line_too_long`, `invalid`, `duplicate_key`, `key_taken`, or a problem's."
    )
    detail: str


class ImportCountsRead(Shown):
    projects: int
    statuses: int
    labels: int
    people: int
    tasks: int
    comments: int


class ImportMappingRead(Shown):
    from_: str = Field(alias="from")
    to: str
    category: Category | None = Field(None, description="Of a status.")
    count: int


class ImportNameRead(Shown):
    name: str
    count: int


class ImportLeftOverRead(Shown):
    code: str
    reason: str
    count: int
    lines: list[int] = Field(description="The first lines where it was so.")
    names: list[ImportNameRead]


class ImportSummaryRead(Shown):
    created: ImportCountsRead
    existing: ImportCountsRead
    failed: ImportCountsRead
    statuses: list[ImportMappingRead]
    types: list[ImportMappingRead]
    priorities: list[ImportMappingRead]
    not_mapped: list[ImportLeftOverRead] = Field(description="What has no field of its own here, and why.")


class ImportRead(Shown):
    id: Id
    workspace_id: Id
    membership_id: Id = Field(description="Who asked for it.")
    source: Literal["jira-archive"]
    filename: str
    strict: bool
    dry_run: bool
    state: ImportState = Field(
        description="What is not running any more and not `done` can be asked for again, and then goes on."
    )
    error: str | None = Field(
        description="Why it failed: `bad_lines` (strict), `damaged`, or a problem's code."
    )
    total: int = Field(description="Lines found so far; all of them once `done` moves.")
    done: int = Field(description="Lines dealt with.")
    created: int = Field(description="Issues imported; with `dry_run`, those that would be.")
    skipped: int = Field(description="Issues that were here already.")
    failed: int = Field(description="Lines that were not imported.")
    problems: list[ImportProblemRead] = Field(description="The first 100 of them.")
    summary: ImportSummaryRead | None
    started_at: datetime
    heartbeat: datetime = Field(description="When the run last said that it lives.")
    finished_at: datetime | None

    model_config = Shown.model_config | example(
        id=ID,
        workspace_id=OTHER_ID,
        membership_id=OTHER_ID,
        source="jira-archive",
        filename="fluid-issues.jsonl.gz",
        strict=False,
        dry_run=False,
        state="running",
        error=None,
        total=7497,
        done=1280,
        created=1279,
        skipped=0,
        failed=1,
        problems=[{"line": 7, "key": None, "code": "not_json", "detail": "not JSON"}],
        summary=None,
        started_at=TIME,
        heartbeat=TIME,
        finished_at=None,
    )


def form_body() -> dict[str, Any]:
    """The form as the description of the API shows it: it is read as it comes, so that no model takes it."""
    schema = ImportForm.model_json_schema()
    about = "JSON lines, plain or gzip, of at most PASTIS_MAX_IMPORT_BYTES both packed and unpacked."
    file = {"type": "string", "format": "binary", "title": "File", "description": about}
    schema |= {
        "title": "ImportCreate",
        "description": "The file and how to import it.",
        "properties": {"file": file, **schema["properties"]},
        "required": ["file"],
        "examples": [{"file": "fluid-issues.jsonl.gz", "source": "jira-archive", "dry_run": True}],
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
