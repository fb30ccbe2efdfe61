"""What an import from the command line tells at its end."""

from collections.abc import Sequence
from contextlib import suppress

from rich.console import Console
from rich.table import Table

from app.commands.console import counted, output, say
from app.core.documents import Doc
from app.core.errors import ErrorCode
from app.core.messages import DEFAULT_LANGUAGE, problem_text
from app.models.imports import ImportState
from app.services.imports import Run

_ERRORS = {
    "bad_lines": "Nothing was imported: with --strict no line may be bad.",
    "damaged": "Nothing was imported: the file is damaged and cannot be unpacked to its end.",
    "empty": "Nothing was imported: the file is empty.",
    "not_json_lines": "Nothing was imported: the file does not hold JSON lines.",
}
_MAX_NAMES = 5


def show(run: Run, seconds: float) -> None:
    """The summary on stdout, unless the file was refused; the problems, and how it ended, on stderr."""
    if run.summary is not None and run.error not in _ERRORS:
        console = output()
        _show_counts(console, run.summary, dry_run=run.options.dry_run)
        _show_mapping(console, "Status", run.summary["statuses"])
        _show_mapping(console, "Type", run.summary["types"])
        _show_mapping(console, "Priority", run.summary["priorities"])
        _show_left_over(console, run.summary["not_mapped"])
    _say_problems(run)
    _say_end(run, seconds)


def _show_counts(console: Console, summary: Doc, *, dry_run: bool) -> None:
    heads = ("", "Would be created" if dry_run else "Created", "Already there", "Failed")
    rows = [
        (kind.capitalize(), *(f"{summary[part][kind]:,}" for part in ("created", "existing", "failed")))
        for kind in summary["created"]
    ]
    _print(console, heads, rows, numbers=(1, 2, 3))


def _show_mapping(console: Console, title: str, mappings: Sequence[Doc]) -> None:
    rows = [
        (row["from"], row["to"] + (f" ({row['category']})" if "category" in row else ""), f"{row['count']:,}")
        for row in mappings
    ]
    _print(console, (title, "Becomes", "Issues"), rows, numbers=(2,))


def _show_left_over(console: Console, left_over: Sequence[Doc]) -> None:
    rows = [(f"{row['count']:,}", row["reason"] + _named(row["names"])) for row in left_over]
    _print(console, ("", "Not mapped, and why"), rows, numbers=(0,))


def _named(names: Sequence[Doc]) -> str:
    shown = [f"{one['name']} {one['count']:,}" for one in names[:_MAX_NAMES]]
    more = ["..."] if len(names) > _MAX_NAMES else []
    return f" ({', '.join(shown + more)})" if shown else ""


def _print(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int]
) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    for position, head in enumerate(heads):
        table.add_column(head, justify="right" if position in numbers else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def _say_problems(run: Run) -> None:
    for problem in run.problems:
        key = "" if problem.key is None else f" ({problem.key})"
        say(f"Line {problem.line}{key}: {problem.detail}")
    if run.failed > len(run.problems):
        say(f"... and {counted(run.failed - len(run.problems), 'line')} more.")


def _say_end(run: Run, seconds: float) -> None:
    if run.state is not ImportState.DONE:
        say(_reason(run.error or ErrorCode.SERVER_STOPPING.value))
        return
    say(
        f"{'Would import' if run.options.dry_run else 'Imported'} {counted(run.created, 'issue')} and "
        f"{counted(run.comments, 'comment')} in {seconds:.1f} s. {counted(run.skipped, 'issue')} already "
        f"there, {counted(run.failed, 'line')} failed."
    )


def _reason(code: str) -> str:
    with suppress(ValueError):
        text = problem_text(ErrorCode(code), DEFAULT_LANGUAGE, {})[1]
        return f"The import stopped: {text} Run the same command again to go on from here."
    return _ERRORS[code]
