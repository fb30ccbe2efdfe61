"""Every list, with any filter and order, is read off an index, and a page begins where it begins."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from app.core.documents import Doc
from app.models.labels import Label
from app.models.statuses import Category
from app.models.tasks import SORTS, Priority, State, Task
from app.services.access import Order, PageRequest, Scope
from app.services.access.paging import fingerprint, write_cursor
from app.services.activity import queries as activity
from app.services.comments import queries as comments
from app.services.labels import queries as labels
from app.services.memberships import queries as memberships
from app.services.projects import queries as projects
from app.services.statuses import queries as statuses
from app.services.tasks import queries, rules
from app.services.tasks.rules import TaskFilter
from app.tests.support.commands import Commands, explained, stages
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

FORBIDDEN = {"COLLSCAN", "SORT", "SORT_MERGE", "sort", "scan"}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE, TWO = new_id(), new_id()
NARROW: dict[str, list[Any]] = {
    "project_id": [None, ONE],
    "status_ids": [(), (ONE,), (ONE, TWO)],
    "assignee_ids": [(), (ONE,), (ONE, TWO), (None,), (ONE, None)],
    "label_ids": [(), (ONE,), (ONE, TWO)],
    "parent_ids": [(), (ONE,), (None,)],
}
"""The filters that an index is chosen by, with every kind of value."""
MORE: list[dict[str, Any]] = [
    {"state": State.ARCHIVED},
    {"state": State.TRASHED},
    {"categories": (Category.TODO,)},
    {"categories": (Category.TODO, Category.IN_PROGRESS)},
    {"priorities": (Priority.HIGH,)},
    {"priorities": (Priority.HIGH, Priority.URGENT)},
    {"text": "screen reader"},
    *[{bound: ((field, NOON),)} for bound in ("since", "until") for field in ("created_at", "updated_at")],
    {"since": (("due_date", "2026-11-23"),), "until": (("due_date", "2026-12-18"),)},
]
"""What else narrows a list; tried with each index, one at a time."""
VALUES = {
    "rank": "a0",
    "created_at": NOON,
    "updated_at": NOON,
    "derived.due": "2026-12-18",
    "derived.priority": 1,
}
sorts = pytest.mark.parametrize("sort", SORTS)
directions = pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
beginnings = pytest.mark.parametrize("begun", [False, True], ids=["first", "later"])


def filters() -> Iterator[TaskFilter]:
    for values in itertools.product(*NARROW.values()):
        yield TaskFilter(**dict(zip(NARROW, values, strict=True)))
    narrow: tuple[dict[str, Any], ...] = (
        {},
        {"project_id": ONE},
        {"assignee_ids": (ONE,)},
        {"label_ids": (ONE,)},
        {"parent_ids": (ONE,)},
    )
    for one, more in itertools.product(narrow, MORE):
        yield TaskFilter(**one, **more)


def nested(field: str, value: Any) -> Doc:
    first, _, rest = field.partition(".")
    return {first: nested(rest, value) if rest else value}


def cursor_of(scope: Scope, kind: str, query: Doc, order: Order, value: Any) -> str:
    bound = fingerprint(kind, scope.workspace_id, query, order)
    return write_cursor(order, {**nested(order.field, value), "_id": ONE}, scope.secret, bound)


async def check(scope: Scope, commands: Commands) -> None:
    """The one query that was sent needs neither a scan of the collection nor a sort."""
    (command,) = commands.take()
    assert command["limit"] == 51
    found = stages(await explained(scope.database, command))
    commands.take()
    assert "IXSCAN" in found, command
    assert not found & FORBIDDEN, (found & FORBIDDEN, command)


@sorts
@directions
@beginnings
async def test_tasks(scope: Scope, commands: Commands, sort: str, descending: bool, begun: bool) -> None:
    order = rules.order_for(sort, descending=descending)
    wanted = list(filters())
    assert len(wanted) > 300
    for one in wanted:
        cursor = (
            cursor_of(scope, "task", rules.query(one, scope.workspace_id), order, VALUES[order.field])
            if begun
            else None
        )
        await queries.page(
            scope, one, sort, PageRequest(cursor=cursor), descending=descending, described=False
        )
        await check(scope, commands)


@beginnings
async def test_other_lists(scope: Scope, commands: Commands, begun: bool) -> None:
    def request(kind: str, query: Doc, order: Order, value: Any) -> PageRequest:
        return PageRequest(cursor=cursor_of(scope, kind, query, order, value) if begun else None)

    by_task = request("comment", {"task_id": ONE}, comments.BY_TIME, NOON)
    await comments.page(scope, ONE, by_task)
    await check(scope, commands)
    await labels.page(scope, request("label", {}, labels.BY_NAME, "accessibility"))
    await check(scope, commands)
    by_project = request("status", {"project_id": ONE}, statuses.BY_RANK, "a0")
    await statuses.page(scope, ONE, by_project)
    await check(scope, commands)
    for put_away in (False, True):
        query: Doc = {"archived_at": {"$ne": None} if put_away else None}
        named = request("project", query, projects.BY_NAME, "Fluid Infusion")
        await projects.page(scope, named, archived=put_away)
        await check(scope, commands)
        query = {"removed_at": {"$ne": None} if put_away else None}
        named = request("membership", query, memberships.BY_NAME, "Colin Clark")
        await memberships.page(scope, named, removed=put_away)
        await check(scope, commands)
    for ref in (None, ONE):
        await activity.events(scope, ref, 42 if begun else None, 51)
        await check(scope, commands)


async def test_a_later_page_begins_in_the_index_where_the_former_one_ended(
    scope: Scope, commands: Commands, workspace: Workspace
) -> None:
    for number in range(40):
        await workspace.task(f"Uploader: file {number} is not announced", assignee_ids=[])
    mine = Scope(scope.database, scope.writers, _grant_of(scope, workspace), scope.context, scope.secret)
    for wanted in (TaskFilter(), TaskFilter(project_id=workspace.project["id"])):
        for sort, descending in itertools.product(("rank", "created", "updated"), (False, True)):
            cursor = None
            seen: list[Doc] = []
            for _ in range(3):
                request = PageRequest(limit=10, cursor=cursor)
                page = await queries.page(mine, wanted, sort, request, descending=descending, described=False)
                cursor, seen = page.next_cursor, [*seen, *orjson.loads(orjson.dumps(page.items))]
                (command,) = commands.take()
                stats = (await explained(scope.database, command, "executionStats"))["executionStats"]
                commands.take()
                assert stats["nReturned"] == 11
                # One of its own to find the end of the former page, and those of the same millisecond.
                assert stats["totalKeysExamined"] <= 11 + 3, (sort, descending, stats["totalKeysExamined"])
            assert len({one["id"] for one in seen}) == 30


def _grant_of(scope: Scope, workspace: Workspace) -> Any:
    return replace(scope.standing, workspace_id=workspace.id)


@pytest.mark.parametrize("model", [Label, Task])
async def test_a_sort_without_an_index_would_be_noticed(scope: Scope, commands: Commands, model: Any) -> None:
    """The check above can fail."""
    await scope.collection(model).find({}, sort=[("updated_at", 1), ("version", 1)], limit=51)
    with pytest.raises(AssertionError):
        await check(scope, commands)
