"""What a task's fields mean to each other, and how its lists are asked for. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.documents import Doc
from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.models.projects import Project
from app.models.statuses import Category, Status
from app.models.tasks import SORTS, Priority, State, Task
from app.schemas.tasks import ME, NOBODY, TaskListQuery
from app.services.access.paging import Order

MAX_DEPTH = 20


def status_changes(status: Status, now: datetime, current: Task | None = None) -> Doc:
    """What entering a status sets: the category, and when the task was completed or canceled."""
    if current is not None and current.category == status.category:
        return {"status_id": status.id}
    return {
        "status_id": status.id,
        "category": status.category,
        "completed_at": now if status.category is Category.DONE else None,
        "canceled_at": now if status.category is Category.CANCELED else None,
    }


def merged(task: Task, changes: Doc) -> Doc:
    """A patch's changes, where what it leaves out of `external` stays (RFC 7396)."""
    if not changes.get("external"):
        return changes
    return {**changes, "external": {**(task.external or {"url": None}), **changes["external"]}}


def check_dates(start: str | None, due: str | None) -> None:
    """Raises `validation_failed` for an end before the start; ISO dates compare as text."""
    if start is not None and due is not None and due < start:
        raise invalid("/due_date", FieldCode.WRONG_ORDER, other="start_date")


def check_changeable(task: Task) -> None:
    """Raises `trashed` or `archived`: what was put away is taken back before it is changed."""
    if task.trashed_at is not None:
        raise PastisError(ErrorCode.TRASHED, kind="task")
    if task.archived_at is not None:
        raise PastisError(ErrorCode.ARCHIVED, kind="task")


def check_open(project: Project) -> None:
    if project.archived_at is not None:
        raise PastisError(ErrorCode.ARCHIVED, kind="project")


def check_parents(task_id: str, ancestors: Sequence[Task]) -> None:
    """Raises `cycle` where a task would be its own ancestor, `limit_reached` for too deep a tree."""
    if any(one.id == task_id for one in ancestors):
        raise PastisError(ErrorCode.CYCLE, kind="task")
    if len(ancestors) >= MAX_DEPTH:
        raise PastisError(ErrorCode.LIMIT_REACHED, kind="task", limit=MAX_DEPTH)


def next_key(task: Task, project: Project) -> tuple[str, int]:
    """A task's key in a project, its former one if it had one there, and the highest number then."""
    prefix = f"{project.key}-"
    for key in task.former_keys:
        if key.startswith(prefix):
            return key, project.last_task_number
    number = project.last_task_number + 1
    return f"{prefix}{number}", number


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks a list holds. Several values of one field are alternatives; None asks for none of it."""

    state: State = State.ACTIVE
    project_id: str | None = None
    status_ids: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    assignee_ids: tuple[str | None, ...] = ()
    label_ids: tuple[str, ...] = ()
    priorities: tuple[Priority, ...] = ()
    parent_ids: tuple[str | None, ...] = ()
    text: str | None = None
    since: tuple[tuple[str, datetime | str], ...] = ()
    """Lower bounds, inclusive, as (stored field, value)."""
    until: tuple[tuple[str, datetime | str], ...] = ()
    """Upper bounds, exclusive for times and inclusive for dates."""


def read_filter(asked: TaskListQuery, project_id: str | None, parent_id: str | None, me: str) -> TaskFilter:
    """The filter that a query asks for; `project_id` and `parent_id` are what its references stand for."""
    names = {ME: me, NOBODY: None}
    since = {
        "created_at": asked.created_since,
        "updated_at": asked.updated_since,
        "due_date": asked.due_since,
    }
    until = {
        "created_at": asked.created_until,
        "updated_at": asked.updated_until,
        "due_date": asked.due_until,
    }
    return TaskFilter(
        state=asked.state,
        project_id=project_id,
        status_ids=_split(asked.status),
        categories=tuple(Category(value) for value in _split(asked.category)),
        assignee_ids=tuple(names.get(value, value) for value in _split(asked.assignee)),
        label_ids=_split(asked.label),
        priorities=tuple(Priority(value) for value in _split(asked.priority)),
        parent_ids=() if parent_id is None else (names.get(parent_id, parent_id),),
        text=asked.q,
        since=tuple((field, value) for field, value in since.items() if value is not None),
        until=tuple((field, value) for field, value in until.items() if value is not None),
    )


def _split(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(text.split(","))


def query(wanted: TaskFilter, everything: Any) -> Doc:
    """The filter as the database takes it: first the narrowest of the lists that an index knows.

    `everything` is the list, or the `$in` of lists, that has all that one sees.
    """
    found: Doc = {"derived.state": wanted.state.value, "derived.lists": _list(wanted) or everything}
    if wanted.project_id is not None:
        found["project_id"] = wanted.project_id
    for field, values in (
        ("status_id", wanted.status_ids),
        ("category", wanted.categories),
        ("assignee_ids", wanted.assignee_ids),
        ("label_ids", wanted.label_ids),
        ("priority", wanted.priorities),
        ("parent_id", wanted.parent_ids),
    ):
        if values:
            found[field] = _any_of(field, values)
    if wanted.text is not None:
        found["title"] = {"$regex": re.escape(wanted.text), "$options": "i"}
    for field, value in wanted.since:
        found.setdefault(field, {})["$gte"] = value
    for field, value in wanted.until:
        found.setdefault(field, {})["$lte" if isinstance(value, str) else "$lt"] = value
    return found


def _list(wanted: TaskFilter) -> str | None:
    """What usually has the fewest tasks of all that the filter names one of."""
    some = (wanted.parent_ids, wanted.assignee_ids, wanted.status_ids, wanted.label_ids)
    named = (ids[0] for ids in some if len(ids) == 1 and ids[0] is not None)
    return next(named, wanted.project_id)


def _any_of(field: str, values: Sequence[Any]) -> Any:
    # An empty list has nobody in it: that is how "nobody" is kept for fields of several values.
    plain = [[] if value is None and field.endswith("_ids") else value for value in values]
    plain = [getattr(value, "value", value) for value in plain]
    return plain[0] if len(plain) == 1 else {"$in": plain}


def order_for(sort: str, *, descending: bool) -> Order:
    return Order(SORTS[sort], descending)


def replaced(ids: Sequence[str], former: str, present: str) -> list[str]:
    """The list with one in the place of another, each named once."""
    return list(dict.fromkeys(present if one == former else one for one in ids))
