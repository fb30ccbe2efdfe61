"""What the words of a Jira archive become here, and when a run counts as interrupted. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from app.models.imports import ImportState
from app.models.statuses import Category
from app.models.tasks import Priority, TaskType
from app.schemas.base import BLOCK_LENGTH, NAME_LENGTH, TITLE_LENGTH
from app.utils.text import mend_block, mend_line

STALE = timedelta(seconds=30)
"""A run that has said nothing for so long has lost its process."""

_TYPES: Mapping[str, TaskType] = {
    "bug": TaskType.BUG,
    "epic": TaskType.EPIC,
    "improvement": TaskType.IMPROVEMENT,
    "new feature": TaskType.FEATURE,
    "story": TaskType.STORY,
    "task": TaskType.TASK,
}
_PRIORITIES: Mapping[str, Priority] = {
    "blocker": Priority.URGENT,
    "critical": Priority.HIGH,
    "high": Priority.HIGH,
    "highest": Priority.URGENT,
    "low": Priority.LOW,
    "lowest": Priority.LOW,
    "major": Priority.MEDIUM,
    "medium": Priority.MEDIUM,
    "minor": Priority.LOW,
    "trivial": Priority.LOW,
}
_CATEGORIES: Mapping[str, Category] = {
    "backlog": Category.BACKLOG,
    "open": Category.TODO,
    "to do": Category.TODO,
    "reopened": Category.TODO,
    "in progress": Category.IN_PROGRESS,
    "in review": Category.IN_PROGRESS,
    "pull request": Category.IN_PROGRESS,
    "resolved": Category.DONE,
    "closed": Category.DONE,
    "done": Category.DONE,
    "canceled": Category.CANCELED,
    "cancelled": Category.CANCELED,
    "duplicate": Category.CANCELED,
}
_SUBTASKS = frozenset({"sub-issue", "sub-task", "subtask", "technical task"})
_DUPLICATE = "duplicate"
_CANCELED = frozenset(
    {
        "cannot reproduce",
        "escalated",
        "incomplete",
        "migrated",
        "not a bug",
        "won't do",
        "won't fix",
        _DUPLICATE,
    }
)
FIRST_STATUS = "To Do"
"""Added to a new project whose issues have none to do, so that a new task has somewhere to begin."""
_BOARD = tuple(_CATEGORIES)
_COLUMNS = (Category.BACKLOG, Category.TODO, Category.IN_PROGRESS, Category.DONE, Category.CANCELED)


class Column(NamedTuple):
    """A status as a project must have it."""

    name: str
    category: Category


class Mended(NamedTuple):
    """A text as it can be kept, and what had to be done to it."""

    text: str
    cut: bool = False
    cleaned: bool = False


def _fold(name: str | None) -> str:
    # Jira's own texts have either apostrophe.
    return (name or "").strip().casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def task_type(name: str | None) -> tuple[TaskType, bool]:
    """The type, and whether the archive's word for it is known; sub-tasks are tasks with a parent."""
    folded = _fold(name)
    return _TYPES.get(folded, TaskType.TASK), folded in _TYPES or folded in _SUBTASKS


def is_subtask(name: str | None) -> bool:
    return _fold(name) in _SUBTASKS


def priority(name: str | None) -> tuple[Priority, bool]:
    """The priority, and whether the archive's word for it is known; none for none."""
    folded = _fold(name)
    return _PRIORITIES.get(folded, Priority.NONE), folded in _PRIORITIES


def column(status: str | None, resolution: str | None) -> tuple[Column, bool]:
    """The status, and whether its category is known.

    An issue that was given up is canceled whatever its status: Jira closes it like one that was done.
    """
    resolved = _fold(resolution)
    if resolved in _CANCELED:
        return Column("Duplicate" if resolved == _DUPLICATE else "Canceled", Category.CANCELED), True
    name = short_name(status) or "Backlog"
    category = _CATEGORIES.get(_fold(name))
    return Column(name, category or Category.BACKLOG), category is not None


def board(columns: list[Column]) -> list[Column]:
    """The columns of a new project from left to right, with at least one to do."""
    wanted = list(columns)
    if all(one.category is not Category.TODO for one in wanted):
        wanted.append(Column(FIRST_STATUS, Category.TODO))
    return sorted(wanted, key=_place)


def _place(one: Column) -> tuple[int, int, str]:
    folded = _fold(one.name)
    usual = _BOARD.index(folded) if folded in _BOARD else len(_BOARD)
    return _COLUMNS.index(one.category), usual, folded


def short_name(text: str | None) -> str | None:
    """A name of a person, label, status or project as it can be kept; None where there is none."""
    line = mend_line(text or "")
    return None if line is None else mend_line(line[:NAME_LENGTH])


def title(text: str | None) -> Mended | None:
    """An issue's title as one line; None where it has none. White space around it is no loss."""
    line = mend_line(text or "")
    if line is None:
        return None
    kept = mend_line(line[:TITLE_LENGTH])
    if kept is None:
        return None
    return Mended(kept, cut=len(line) > TITLE_LENGTH, cleaned=line != (text or "").strip())


def block(text: str | None) -> Mended:
    """A description or comment. A line end is a line end, however it was written."""
    given = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    kept = mend_block(given)
    return Mended(kept[:BLOCK_LENGTH], cut=len(kept) > BLOCK_LENGTH, cleaned=kept != given)


def parent_passes(parents: Mapping[str, str], lines: Mapping[str, int]) -> tuple[dict[str, int], set[str]]:
    """In which pass over the file each issue with a parent is written, so that its parent is there by then.

    `parents` maps keys to parents' keys, `lines` all keys of the file to their lines. The first pass is 0.
    The second result holds the issues whose parents go round in a circle: they are written without one.
    """
    passes: dict[str, int] = {}
    circular: set[str] = set()
    for start in parents:
        chain: dict[str, None] = {}
        key = start
        while key in parents and key not in passes and key not in chain:
            chain[key] = None
            key = parents[key]
        members = list(chain)
        if key in chain:
            circular.update(members[members.index(key) :])
        for child in reversed(members):
            above = parents[child]
            later = lines.get(above, 0) > lines[child]
            passes[child] = 0 if child in circular else passes.get(above, 0) + later
    return passes, circular


def state_now(state: ImportState, heartbeat: datetime, now: datetime) -> ImportState:
    """What a run is by now: a process that was killed cannot say that it has stopped."""
    if state is ImportState.RUNNING and now - heartbeat > STALE:
        return ImportState.INTERRUPTED
    return state
