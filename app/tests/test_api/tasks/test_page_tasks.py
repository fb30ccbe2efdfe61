"""GET /tasks with cursors: to the end, nothing twice, nothing missed, whatever happens meanwhile."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.models.tasks import SORTS, Task
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept

pytestmark = pytest.mark.anyio

ORDERS = [f"{sign}{name}" for name in SORTS for sign in ("", "-")]
PRIORITIES = ("none", "high", "high", "low")


async def fill(workspace: Workspace, count: int, clock: TestClock | None = None) -> list[str]:
    """Tasks many of which are equal in what lists are sorted by."""
    made = []
    for number in range(count):
        if clock is not None and number % 4 == 0:
            clock.forward(minutes=1)
        task = await workspace.task(
            f"Uploader: file {number} is not announced",
            priority=PRIORITIES[number % 4],
            due_date="2026-12-18" if number % 3 else None,
        )
        made.append(task["id"])
    return made


async def walk(api: Client, query: str, between: Any = None) -> list[dict[str, Any]]:
    """All items, page after page; `between` is run before each but the first."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await api.get(f"/tasks?limit=3&{query}{cursor}")
        page = ok(answer)
        items += page["items"]
        assert (len(page["items"]) == 3) or page["next_cursor"] is None
        if page["next_cursor"] is None:
            assert "link" not in answer.headers
            return items
        url = urlsplit(answer.headers["link"].partition(">")[0].removeprefix("<"))
        assert parse_qs(url.query)["cursor"] == [page["next_cursor"]]
        cursor = f"&cursor={page['next_cursor']}"
        if between is not None:
            await between(len(items))


@pytest.mark.parametrize("sort", ORDERS)
async def test_to_the_end_in_the_order_of_one_long_page(
    workspace: Workspace, kept: Kept, clock: TestClock, sort: str
) -> None:
    made = await fill(workspace, 14, clock)
    for query in (f"sort={sort}", f"sort={sort}&project=FLUID", f"sort={sort}&assignee=none"):
        whole = ok(await workspace.api.get(f"/tasks?limit=200&{query}"))["items"]
        assert await walk(workspace.api, query) == whole
        assert sorted(one["id"] for one in whole) == sorted(made)
    assert len(await kept.all(Task)) == 14


@pytest.mark.parametrize("sort", ORDERS)
async def test_nothing_twice_and_nothing_missed_while_others_add(
    workspace: Workspace, kept: Kept, sort: str
) -> None:
    made = await fill(workspace, 10)

    async def add(seen: int) -> None:
        if seen < 20:
            await asyncio.gather(
                *[workspace.task(f"Added after {seen}.{number}", priority="medium") for number in range(2)]
            )

    items = [one["id"] for one in await walk(workspace.api, f"sort={sort}", add)]
    assert len(items) == len(set(items))
    assert set(made) <= set(items) <= {doc["_id"] for doc in await kept.all(Task)}


async def test_a_page_goes_on_where_it_was_though_its_last_item_is_gone(
    workspace: Workspace, kept: Kept
) -> None:
    made = await fill(workspace, 9)
    seen: list[str] = []

    async def throw_away(count: int) -> None:
        gone = made[count - 1]
        ok(await workspace.api.delete(f"/tasks/{gone}"))
        seen.append(gone)

    items = [one["id"] for one in await walk(workspace.api, "sort=rank", throw_away)]
    assert items == made
    assert [(await kept.one(Task, gone))["derived"]["state"] for gone in seen] == ["trashed", "trashed"]


@pytest.mark.parametrize("field", ["created", "updated"])
@pytest.mark.parametrize("sign", ["", "-"])
async def test_bounds_hold_on_every_page(
    workspace: Workspace, kept: Kept, clock: TestClock, field: str, sign: str
) -> None:
    """Bounds on the very field that the list is sorted by, where the cursor has a bound of its own."""
    await fill(workspace, 24, clock)
    times = sorted({doc[f"{field}_at"] for doc in await kept.all(Task)})
    low, high = (times[place].isoformat().replace("+00:00", "Z") for place in (1, -2))
    query = f"sort={sign}{field}&{field}_since={low}&{field}_until={high}"
    items = [one["id"] for one in await walk(workspace.api, query)]
    expected = {doc["_id"] for doc in await kept.all(Task) if times[1] <= doc[f"{field}_at"] < times[-2]}
    assert (len(items), set(items)) == (len(expected), expected)
    assert len(expected) < 24


async def test_a_cursor_belongs_to_its_list(workspace: Workspace, other_workspace: Workspace) -> None:
    await fill(workspace, 5)
    for number in range(5):
        await other_workspace.task(f"Theirs {number}")
    cursor = ok(await workspace.api.get("/tasks?limit=2"))["next_cursor"]
    ok(await workspace.member.get(f"/tasks?limit=1&cursor={cursor}"))
    for query in ("sort=-rank", "sort=due", "project=FLUID", "state=archived", "q=file"):
        refused(await workspace.api.get(f"/tasks?{query}&cursor={cursor}"), 422, "invalid_cursor")
    refused(await other_workspace.api.get(f"/tasks?cursor={cursor}"), 422, "invalid_cursor")
    forged = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for text in (forged, cursor[:-1], "x", "%00"):
        refused(await workspace.api.get(f"/tasks?cursor={text}"), 422, "invalid_cursor")
    refused(await workspace.api.get(f"/tasks?cursor={'A' * 1025}"), 422, "validation_failed")
    assert len(ok(await workspace.api.get(f"/tasks?cursor={cursor}"))["items"]) == 3
