"""A run under way: what it has done so far, kept where clients can read it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from app.core.documents import Doc
from app.models.imports import ImportRun, ImportSource, ImportState
from app.services.access import Scope
from app.services.imports import queries
from app.services.imports.jira_archive import Problem
from app.services.imports.structure import Targets
from app.services.imports.survey import MAX_SHOWN, Survey, left_over, mapping
from app.utils.ids import new_id

KINDS = ("projects", "statuses", "labels", "people", "tasks", "comments")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`strict` refuses the whole file where one line is bad; `dry_run` writes nothing to the workspace."""

    filename: str
    source: ImportSource = ImportSource.JIRA_ARCHIVE
    strict: bool = False
    dry_run: bool = False


def new_run(
    scope: Scope, options: ImportOptions, request_key: str | None = None, fingerprint: str | None = None
) -> ImportRun:
    now = scope.writers.clock.now()
    fields: Doc = {
        "id": new_id(),
        "workspace_id": scope.workspace_id,
        "membership_id": scope.standing.membership_id,
        "source": options.source,
        "filename": options.filename,
        "strict": options.strict,
        "dry_run": options.dry_run,
        "started_at": now,
        "heartbeat": now,
        "request_key": request_key,
        "fingerprint": fingerprint,
    }
    return ImportRun(**fields)


@dataclass(slots=True)
class Run:
    """`watch` is called whenever the counts have moved; `keep` writes them to the run's document."""

    id: str
    options: ImportOptions
    keep: bool = True
    watch: Callable[["Run"], None] = field(default=lambda _: None)
    state: ImportState = ImportState.RUNNING
    error: str | None = None
    reading: bool = True
    """Whether the file is still read through for the first time."""
    total: int = 0
    done: int = 0
    created: int = 0
    comments: int = 0
    skipped: int = 0
    failed: int = 0
    problems: list[Problem] = field(default_factory=list)
    summary: Doc | None = None
    allowed: bool = True
    """Whether the one who asked for it may still import."""
    stopping: bool = False
    """Whether it is to end with the window under way."""

    def refuse(self, problem: Problem) -> None:
        """Count an issue that was not imported."""
        self.failed += 1
        if len(self.problems) < MAX_SHOWN:
            self.problems.append(problem)

    def fail(self, code: str) -> None:
        self.state, self.error = ImportState.FAILED, code

    def changes(self, now: datetime) -> Doc:
        """What the run's document is to hold."""
        ended = self.state is not ImportState.RUNNING
        return {
            "state": self.state.value,
            "error": self.error,
            "total": self.total,
            "done": self.done,
            "created": self.created,
            "skipped": self.skipped,
            "failed": self.failed,
            "problems": [asdict(problem) for problem in self.problems],
            "summary": self.summary,
            "heartbeat": now,
            "finished_at": now if ended else None,
        }

    async def record(self, scope: Scope) -> None:
        """Write the progress; a database that is away for a moment does not end the run."""
        if self.keep:
            await queries.try_update(scope.database, self.id, self.changes(scope.writers.clock.now()))


def summarize(run: Run, survey: Survey, targets: Targets) -> Doc:
    """What became of each kind, what became what, and what was left over."""
    created = {**targets.created, "tasks": run.created, "comments": run.comments}
    known = {**targets.known, "tasks": run.skipped, "comments": survey.known["comments"]}
    failed = {"tasks": run.failed}
    return {
        "created": _by_kind(created),
        "existing": _by_kind(known),
        "failed": _by_kind(failed),
        "statuses": mapping(survey.statuses),
        "types": mapping(survey.types),
        "priorities": mapping(survey.priorities),
        "not_mapped": left_over(survey),
    }


def _by_kind(counts: Doc, kinds: Sequence[str] = KINDS) -> Doc:
    return {kind: int(counts.get(kind, 0)) for kind in kinds}
