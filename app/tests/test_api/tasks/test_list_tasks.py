"""GET /tasks: which tasks, in which order. Every filter is compared with the same in Python."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.core.documents import Doc
from app.models.tasks import PRIORITY_ORDER, Task
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

TITLES = (
    "Keyboard a11y: focus is lost when the dialog closes",
    "Uploader: progress is not announced to screen readers",
    "Reorderer: Ctrl+Down skips an item (100%)",
    "Pager: the current page is not announced",
    "Inline edit: ESCAPE does not cancel",
    "Screen Reader users cannot reach the toolbar",
)
PRIORITIES = ("urgent", "none", "low", "high", "none", "medium")
DUE = (None, "2026-12-18", "2026-11-30", None, "2026-12-18", "2027-01-15")
STATUSES = ("Todo", "In Progress", "Todo", "Done", "Backlog", "Canceled")

SORTS: dict[str, Callable[[Doc], Any]] = {
    "rank": lambda doc: doc["rank"],
    "created": lambda doc: doc["created_at"],
    "updated": lambda doc: doc["updated_at"],
    "due": lambda doc: doc["due_date"] or "9999-12-31",
    "priority": lambda doc: PRIORITY_ORDER[doc["priority"]],
}


class Board:
    """Tasks of two projects that differ in everything that a list can be filtered by."""

    def __init__(self, workspace: Workspace, kept: Kept) -> None:
        self.workspace = workspace
        self.kept = kept
        self.labels: list[str] = []
        self.infra: dict[str, Any] = {}

    async def fill(self, infra: dict[str, Any], clock: TestClock) -> "Board":
        self.infra = infra
        people = self.workspace.membership_ids
        self.labels = [(await self.workspace.label(name))["id"] for name in ("Accessibility", "Uploader")]
        assignees: tuple[list[str], ...] = (
            [],
            [people["owner"]],
            [people["owner"], people["member"]],
            [people["admin"]],
        )
        label_ids: tuple[list[str], ...] = ([], self.labels[:1], self.labels, self.labels[1:])
        parent = await self.workspace.task("Make all components accessible")
        for number, title in enumerate(TITLES):
            clock.forward(seconds=10)
            own = number % 3 != 2
            fields: dict[str, Any] = {
                "priority": PRIORITIES[number],
                "due_date": DUE[number],
                "assignee_ids": assignees[number % 4],
                "label_ids": label_ids[(number + 1) % 4],
                "parent_id": parent["id"] if number % 2 else None,
            }
            if own:
                fields["status_id"] = self.workspace.statuses[STATUSES[number]]
            await self.workspace.task(title, project_id="FLUID" if own else "INFRA", **fields)
        clock.forward(seconds=10)
        ok(await self.workspace.api.patch("/tasks/FLUID-2", {"estimate": 3}))
        for verb in ("archive", "trash"):
            task = await self.workspace.task(f"{TITLES[0]} ({verb})", priority="high")
            path = f"/tasks/{task['key']}"
            ok(
                await (
                    self.workspace.api.delete(path)
                    if verb == "trash"
                    else self.workspace.api.post(f"{path}/archive")
                )
            )
        return self

    async def check(self, query: str, wanted: Callable[[Doc], Any], sort: str = "rank") -> int:
        """The list is what the database has and `wanted` picks, in this order; gives how many."""
        field = sort.removeprefix("-")
        docs = [doc for doc in await self.kept.all(Task) if wanted(doc)]
        docs.sort(key=lambda doc: (SORTS[field](doc), doc["_id"]), reverse=sort.startswith("-"))
        page = ok(await self.workspace.member.get(f"/tasks?limit=200&sort={sort}&{query}"), 200)
        assert [one["key"] for one in page["items"]] == [doc["key"] for doc in docs], query
        assert page["next_cursor"] is None
        return len(docs)


@pytest.fixture
async def board(workspace: Workspace, kept: Kept, infra: dict[str, Any], clock: TestClock) -> Board:
    return await Board(workspace, kept).fill(infra, clock)


def active(doc: Doc) -> bool:
    return doc["archived_at"] is None and doc["trashed_at"] is None


def active_and(*tests: Callable[[Doc], Any]) -> Callable[[Doc], bool]:
    return lambda doc: active(doc) and all(test(doc) for test in tests)


def filters(board: Board) -> dict[str, tuple[str, Callable[[Doc], Any]]]:
    """Each filter's query and what it means."""
    people, statuses = board.workspace.membership_ids, board.workspace.statuses
    labels, infra, fluid = board.labels, board.infra["id"], board.workspace.project["id"]
    todo, done = statuses["Todo"], statuses["Done"]
    return {
        "project": ("project=FLUID", lambda doc: doc["project_id"] == fluid),
        "project by id": (f"project={infra}", lambda doc: doc["project_id"] == infra),
        "project in lower case": ("project=infra", lambda doc: doc["project_id"] == infra),
        "status": (f"status={todo}", lambda doc: doc["status_id"] == todo),
        "statuses": (f"status={todo},{done}", lambda doc: doc["status_id"] in {todo, done}),
        "category": ("category=done", lambda doc: doc["category"] == "done"),
        "categories": ("category=todo,backlog", lambda doc: doc["category"] in {"todo", "backlog"}),
        "assignee": (f"assignee={people['owner']}", lambda doc: people["owner"] in doc["assignee_ids"]),
        "me": ("assignee=me", lambda doc: people["member"] in doc["assignee_ids"]),
        "nobody": ("assignee=none", lambda doc: not doc["assignee_ids"]),
        "me or nobody": (
            "assignee=none,me",
            lambda doc: not doc["assignee_ids"] or people["member"] in doc["assignee_ids"],
        ),
        "label": (f"label={labels[0]}", lambda doc: labels[0] in doc["label_ids"]),
        "labels": (f"label={labels[0]},{labels[1]}", lambda doc: set(labels) & set(doc["label_ids"])),
        "priority": ("priority=none", lambda doc: doc["priority"] == "none"),
        "priorities": ("priority=urgent,low", lambda doc: doc["priority"] in {"urgent", "low"}),
        "parent": ("parent=FLUID-1", lambda doc: doc["parent_id"] is not None),
        "no parent": ("parent=none", lambda doc: doc["parent_id"] is None),
        "text": ("q=screen+reader", lambda doc: "screen reader" in doc["title"].lower()),
        "text that is no pattern": ("q=(100%25)", lambda doc: "(100%)" in doc["title"]),
        "due since": ("due_since=2026-12-18", lambda doc: (doc["due_date"] or "") >= "2026-12-18"),
        "due until": (
            "due_until=2026-12-18",
            lambda doc: doc["due_date"] is not None and doc["due_date"] <= "2026-12-18",
        ),
    }


async def test_each_filter_alone(board: Board) -> None:
    total = await board.check("", active)
    assert total == len(TITLES) + 1
    for name, (query, wanted) in filters(board).items():
        found = await board.check(query, active_and(wanted))
        assert 0 < found < total, name


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in SORTS for sign in ("", "-")])
async def test_each_filter_with_each_order(board: Board, sort: str) -> None:
    await board.check("", active, sort)
    for query, wanted in filters(board).values():
        await board.check(query, active_and(wanted), sort)


async def test_filters_together(board: Board) -> None:
    known = filters(board)
    names = ("project", "status", "me or nobody", "labels", "priorities", "no parent", "text", "due until")
    found = 0
    for one, two in itertools.combinations(names, 2):
        queries = [known[name][0] for name in (one, two)]
        tests = [known[name][1] for name in (one, two)]
        found += await board.check("&".join(queries), active_and(*tests))
    assert found > 10


async def test_where_they_are_kept(board: Board) -> None:
    assert await board.check("state=archived", lambda doc: doc["archived_at"] is not None) == 1
    assert await board.check("state=trashed", lambda doc: doc["trashed_at"] is not None) == 1
    assert await board.check("state=trashed&priority=high&project=FLUID", lambda doc: doc["trashed_at"]) == 1
    assert (
        await board.check("state=active&priority=high", lambda d: active(d) and d["priority"] == "high") == 1
    )


@pytest.mark.parametrize("field", ["created", "updated"])
async def test_times_from_one_until_before_another(board: Board, field: str) -> None:
    stored = f"{field}_at"
    times = sorted({doc[stored] for doc in await board.kept.all(Task) if active(doc)})
    low, high = times[2], times[-2]

    def text(moment: datetime) -> str:
        return moment.isoformat().replace("+00:00", "Z")

    def between(doc: Doc) -> bool:
        return active(doc) and bool(low <= doc[stored] < high)

    for sort in ("rank", field, f"-{field}"):
        query = f"{field}_since={text(low)}&{field}_until={text(high)}"
        assert 0 < await board.check(query, between, sort) < len(times)
        await board.check(
            f"{query}&project=FLUID", lambda d: between(d) and d["key"].startswith("FLUID"), sort
        )
    # Another zone's clock shows the same moment.
    zoned = text(low + timedelta(hours=1)).replace("Z", "%2B01:00")
    await board.check(f"{field}_since={zoned}", lambda doc: active(doc) and doc[stored] >= low)


async def test_descriptions_only_where_they_are_asked_for(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task(description="Steps: press **Escape**.")
    (item,) = ok(await workspace.api.get("/tasks"))["items"]
    assert item == {name: value for name, value in task.items() if name != "description"}
    (item,) = ok(await workspace.api.get("/tasks?include=description"))["items"]
    assert item == task
    assert (await kept.one(Task, task["id"]))["description"] == task["description"]


async def test_the_total_is_counted_where_it_is_asked_for(board: Board) -> None:
    page = ok(await board.workspace.api.get("/tasks?limit=2&count=true"))
    assert (len(page["items"]), page["total"]) == (2, len(TITLES) + 1)
    filtered = ok(await board.workspace.api.get("/tasks?limit=1&count=true&priority=none&project=FLUID"))
    assert filtered["total"] == len(
        [
            d
            for d in await board.kept.all(Task)
            if active(d) and d["priority"] == "none" and d["key"] > "F" and d["key"] < "G"
        ]
    )
    assert "total" not in ok(await board.workspace.api.get("/tasks?limit=2"))


async def test_nothing_of_another_workspace(workspace: Workspace, other_workspace: Workspace) -> None:
    await other_workspace.task("Theirs")
    assert ok(await workspace.api.get("/tasks")) == {"items": [], "next_cursor": None}
    for query in (
        f"project={other_workspace.project['id']}",
        "project=NONE",
        "parent=FLUID-99",
    ):
        refused(await workspace.api.get(f"/tasks?{query}"), 404, "not_found")
    for query in (f"status={other_workspace.statuses['Todo']}", f"assignee={new_id()}", f"label={new_id()}"):
        assert ok(await workspace.api.get(f"/tasks?{query}"))["items"] == []
    refused(await workspace.stranger.get("/tasks"), 404, "not_found")
    refused(await workspace.api.as_(None).get("/tasks"), 401, "authentication_required")
    assert len(ok(await other_workspace.api.get("/tasks"))["items"]) == 1


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("status=Todo", "validation_failed", "/query/status"),
        ("category=finished", "validation_failed", "/query/category"),
        ("assignee=justin", "validation_failed", "/query/assignee"),
        ("label=1,2", "validation_failed", "/query/label"),
        ("q=a%00b", "validation_failed", "/query/q"),
        ("priority=HIGH", "validation_failed", "/query/priority"),
        ("priority=", "validation_failed", "/query/priority"),
        ("state=deleted", "validation_failed", "/query/state"),
        ("sort=title", "validation_failed", "/query/sort"),
        ("sort=rank,due", "validation_failed", "/query/sort"),
        ("limit=0", "validation_failed", "/query/limit"),
        ("limit=201", "validation_failed", "/query/limit"),
        ("q=", "validation_failed", "/query/q"),
        ("due_since=2026-13-01", "validation_failed", "/query/due_since"),
        ("created_since=2026-11-23", "validation_failed", "/query/created_since"),
        ("created_since=2026-11-23T09:00:00", "validation_failed", "/query/created_since"),
        ("include=comments", "validation_failed", "/query/include"),
        ("assigne=me", "unknown_parameter", "/query/assigne"),
        ("sort=rank&sort=due", "repeated_parameter", "/query/sort"),
    ],
)
async def test_what_does_not_fit_is_named(workspace: Workspace, query: str, code: str, pointer: str) -> None:
    await workspace.task()
    problem = refused(await workspace.api.get(f"/tasks?{query}"), 422, code)
    assert problem["errors"][0]["pointer"] == pointer


async def test_the_same_list_is_not_sent_again(workspace: Workspace) -> None:
    task = await workspace.task()
    etag = (await workspace.api.get("/tasks")).headers["etag"]
    answer = await workspace.api.get("/tasks", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "low"}))
    assert ok(await workspace.api.get("/tasks", headers={"If-None-Match": etag}), 200)["items"]


@pytest.mark.parametrize(
    ("query", "choices"),
    [
        ("sort=foo", "rank, created, updated, due, priority, -rank, -created, -updated, -due, -priority"),
        ("sort=--due", "rank, created, updated, due, priority, -rank, -created, -updated, -due, -priority"),
        ("category=done,foo", "backlog, canceled, done, in_progress, todo"),
        ("priority=foo", "high, low, medium, none, urgent"),
        ("state=foo", "active, archived, trashed"),
    ],
)
async def test_refused_choices_are_named(workspace: Workspace, query: str, choices: str) -> None:
    (error,) = refused(await workspace.api.get(f"/tasks?{query}"), 422, "validation_failed")["errors"]
    assert error["pointer"] == f"/query/{query.partition('=')[0]}"
    assert (error["code"], error["detail"]) == ("invalid_choice", f"The value must be one of: {choices}.")
