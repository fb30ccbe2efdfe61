"""The query parameters of a list of tasks."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request
from pydantic import AwareDatetime

from app.core.errors import FieldCode, invalid
from app.models.statuses import Category
from app.models.tasks import SORTS, Priority, State
from app.schemas.base import Day
from app.services.access import Scope
from app.services.tasks import TaskFilter, resolve_task
from app.utils.ids import is_id

E = TypeVar("E", Category, Priority)

MAX_VALUES = 50
Several = Annotated[str | None, Query(max_length=2000, description="One, or several separated by commas.")]
Sort = Annotated[
    str,
    Query(
        pattern=f"^-?({'|'.join(SORTS)})$",
        description="`rank`, `created`, `updated`, `due`, `priority` (the most urgent first); `-` turns it.",
    ),
]
Include = Annotated[str | None, Query(pattern="^description$", description="Fields that lists leave out.")]


async def task_filter(
    request: Request,
    project: Annotated[str | None, Query(max_length=60, description="A project's id or key.")] = None,
    status: Several = None,
    category: Several = None,
    assignee: Annotated[
        str | None, Query(max_length=2000, description="Memberships, `me` or `none`, separated by commas.")
    ] = None,
    label: Several = None,
    priority: Several = None,
    parent: Annotated[str | None, Query(max_length=60, description="A task's id or key, or `none`.")] = None,
    q: Annotated[str | None, Query(min_length=1, max_length=200, description="Text in the title.")] = None,
    state: Annotated[State, Query()] = State.ACTIVE,
    created_since: AwareDatetime | None = None,
    created_until: AwareDatetime | None = None,
    updated_since: AwareDatetime | None = None,
    updated_until: AwareDatetime | None = None,
    due_since: Day | None = None,
    due_until: Day | None = None,
) -> TaskFilter:
    scope: Scope = request.state.scope
    since = _bounds(created_at=created_since, updated_at=updated_since, due_date=due_since)
    until = _bounds(created_at=created_until, updated_at=updated_until, due_date=due_until)
    return TaskFilter(
        state=state,
        project_id=None if project is None else await scope.project_id(project),
        status_ids=_ids("status", status),
        categories=_choices("category", category, Category),
        assignee_ids=_people(assignee, scope.grant.membership_id),
        label_ids=_ids("label", label),
        priorities=_choices("priority", priority, Priority),
        parent_ids=await _parent(scope, parent),
        text=q,
        since=since,
        until=until,
    )


def _bounds(**values: datetime | str | None) -> tuple[tuple[str, Any], ...]:
    return tuple((field, value) for field, value in values.items() if value is not None)


def _split(name: str, text: str | None) -> list[str]:
    values = [] if text is None else text.split(",")
    if len(values) > MAX_VALUES:
        raise invalid(f"/query/{name}", FieldCode.TOO_MANY, limit=MAX_VALUES)
    return values


def _ids(name: str, text: str | None) -> tuple[str, ...]:
    values = _split(name, text)
    if not all(is_id(value) for value in values):
        raise invalid(f"/query/{name}", FieldCode.INVALID_ID)
    return tuple(values)


def _choices(name: str, text: str | None, kind: type[E]) -> tuple[E, ...]:
    try:
        return tuple(kind(value) for value in _split(name, text))
    except ValueError:
        raise invalid(f"/query/{name}", FieldCode.INVALID_CHOICE, choices=", ".join(kind)) from None


def _people(text: str | None, me: str) -> tuple[str | None, ...]:
    named = {"me": me, "none": None}
    values = _split("assignee", text)
    if not all(value in named or is_id(value) for value in values):
        raise invalid("/query/assignee", FieldCode.INVALID_ID)
    return tuple(named.get(value, value) for value in values)


async def _parent(scope: Scope, ref: str | None) -> tuple[str | None, ...]:
    if ref is None:
        return ()
    return (None,) if ref == "none" else (await resolve_task(scope, ref),)
