"""POST /tasks/{task}/rank."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.projects import Project
from app.models.tasks import Task
from app.tests.support.clients import ok, refused
from app.tests.support.depth import examples
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def cards(workspace: Workspace, *titles: str) -> list[dict[str, Any]]:
    return [await workspace.task(title) for title in titles]


async def order(workspace: Workspace, kept: Kept) -> str:
    """The titles on the board, as the list and as the database have them."""
    listed = ok(await workspace.api.get("/tasks?project=FLUID&limit=200"))["items"]
    stored = sorted(await kept.all(Task), key=lambda doc: (doc["rank"], doc["_id"]))
    assert [one["id"] for one in listed] == [doc["_id"] for doc in stored]
    ranks = [doc["rank"] for doc in stored]
    assert ranks == sorted(set(ranks))
    return "".join(one["title"] for one in listed)


async def test_beside_another(workspace: Workspace, kept: Kept) -> None:
    a, b, c, d = await cards(workspace, "A", "B", "C", "D")
    answer = await workspace.member.post(f"/tasks/{d['key']}/rank", {"after_id": a["key"]})
    changed = ok(answer, 200)
    assert answer.headers["etag"] == f'"{changed["version"]}"'
    assert await order(workspace, kept) == "ADBC"
    ok(await workspace.api.post(f"/tasks/{a['id']}/rank", {"before_id": c["id"]}))
    assert await order(workspace, kept) == "DBAC"
    event = await kept.last_event()
    assert (event["command"], [op["kind"] for op in event["ops"]]) == ("task.rank", ["task"])
    assert set(event["ops"][0]["set"]) == {"rank", "version", "updated_at"}
    ok(await workspace.api.post(f"/tasks/{b['id']}/rank", {"after_id": b["id"]}))
    assert await order(workspace, kept) == "DBAC"


async def test_the_ends(workspace: Workspace, kept: Kept) -> None:
    a, b, c = await cards(workspace, "A", "B", "C")
    ok(await workspace.api.post(f"/tasks/{c['key']}/rank", {"before_id": a["key"]}))
    assert await order(workspace, kept) == "CAB"
    ok(await workspace.api.post(f"/tasks/{c['key']}/rank", {"after_id": b["key"]}))
    assert await order(workspace, kept) == "ABC"
    # What is made next comes behind, wherever the last card has been put.
    await workspace.task("D")
    assert await order(workspace, kept) == "ABCD"
    project = await kept.one(Project, workspace.project["id"])
    assert project["last_rank"] == max(doc["rank"] for doc in await kept.all(Task))


async def test_another_column_at_a_place(workspace: Workspace, kept: Kept) -> None:
    a, b, _ = await cards(workspace, "A", "B", "C")
    done = workspace.statuses["Done"]
    changed = ok(
        await workspace.api.post(f"/tasks/{a['key']}/rank", {"after_id": b["key"], "status_id": done})
    )
    assert await order(workspace, kept) == "BAC"
    stored = await kept.one(Task, a["id"])
    assert (stored["status_id"], stored["category"], changed["completed_at"] is not None) == (
        done,
        "done",
        True,
    )
    # The column alone: the place stays.
    todo = workspace.statuses["Todo"]
    back = ok(await workspace.api.post(f"/tasks/{a['key']}/rank", {"status_id": todo}))
    assert (back["rank"], back["completed_at"], back["status_id"]) == (changed["rank"], None, todo)
    listed = ok(await workspace.api.get(f"/tasks?project=FLUID&status={todo}"))["items"]
    assert [one["title"] for one in listed] == ["B", "A", "C"]


async def test_a_card_that_is_put_away_keeps_its_place(workspace: Workspace, kept: Kept) -> None:
    a, b, c = await cards(workspace, "A", "B", "C")
    ok(await workspace.api.post(f"/tasks/{b['key']}/archive"))
    ok(await workspace.api.post(f"/tasks/{c['key']}/rank", {"after_id": a["key"]}))
    ok(await workspace.api.post(f"/tasks/{b['key']}/unarchive"))
    assert await order(workspace, kept) == "ACB"


async def test_what_does_not_say_where(workspace: Workspace, kept: Kept) -> None:
    a, b = await cards(workspace, "A", "B")
    before = await kept.state()
    for body in ({}, {"after_id": b["id"], "before_id": b["id"]}, {"after_id": None}):
        problem = refused(await workspace.api.post(f"/tasks/{a['key']}/rank", body), 422, "validation_failed")
        assert problem["errors"][0]["pointer"] == "/after_id"
    assert await kept.state() == before


async def test_two_neighbours_are_refused_in_words(workspace: Workspace, kept: Kept) -> None:
    a, b = await cards(workspace, "A", "B")
    before = await kept.state()
    both = {"after_id": b["id"], "before_id": b["id"]}
    answer = await workspace.api.post(f"/tasks/{a['key']}/rank", both)
    (error,) = refused(answer, 422, "validation_failed")["errors"]
    assert (error["pointer"], error["code"]) == ("/after_id", "invalid_choice")
    assert error["detail"] == "Only one of these may be given: after_id, before_id."
    operations = [{"action": "rank", "task": a["key"], "body": both}]
    answer = await workspace.api.post("/tasks/batch", {"operations": operations})
    (error,) = refused(answer, 422, "validation_failed")["errors"]
    assert (error["pointer"], error["code"]) == ("/operations/0/body/after_id", "invalid_choice")
    assert await kept.state() == before


async def test_what_it_names_must_be_there(
    workspace: Workspace, other_workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    (a,) = await cards(workspace, "A")
    theirs = await other_workspace.task("Theirs")
    elsewhere = ok(await workspace.api.post("/tasks", {"project_id": "INFRA", "title": "Elsewhere"}), 201)
    status = ok(await workspace.api.get("/projects/INFRA/statuses"))["items"][0]
    before = await kept.state()
    for body in (
        {"after_id": new_id()},
        {"after_id": "FLUID-99"},
        {"before_id": theirs["id"]},
        {"after_id": elsewhere["key"]},
        {"status_id": status["id"]},
    ):
        refused(await workspace.api.post(f"/tasks/{a['key']}/rank", body), 404, "not_found")
    assert await kept.state() == before


async def test_preconditions_dry_run_and_who_may(workspace: Workspace, kept: Kept) -> None:
    a, b = await cards(workspace, "A", "B")
    path, body = f"/tasks/{a['key']}/rank", {"after_id": b["key"]}
    before = await kept.state()
    ok(await workspace.api.post(f"{path}?dry_run=true", body))
    stale = {"If-Match": f'"{a["version"] - 1}"'}
    assert refused(await workspace.api.post(path, body, headers=stale), 412, "precondition_failed")[
        "current"
    ] == ok(await workspace.api.get(f"/tasks/{a['key']}"))
    refused(await workspace.stranger.post(path, body), 404, "not_found")
    ok(await workspace.api.post(f"/tasks/{b['key']}/archive"))
    ok(await workspace.api.post(f"/tasks/{b['key']}/unarchive"))
    assert [doc["rank"] for doc in await kept.all(Task)] == [
        before["task", one["id"]]["rank"] for one in (a, b)
    ]
    headers = {"Idempotency-Key": "drag-1"}
    first = ok(await workspace.member.post(path, body, headers=headers))
    ok(await workspace.member.post(path, {"before_id": b["key"]}))
    assert ok(await workspace.member.post(path, body, headers=headers)) == first
    assert await order(workspace, kept) == "AB"


async def test_many_at_one_place_at_once(workspace: Workspace, kept: Kept) -> None:
    first, *others = await cards(workspace, *"ABCDEFGHIJKL")
    await asyncio.gather(
        *[workspace.api.post(f"/tasks/{one['key']}/rank", {"after_id": first["key"]}) for one in others]
    )
    found = await order(workspace, kept)
    assert (found[0], sorted(found)) == ("A", sorted("ABCDEFGHIJKL"))


moves = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=25)


@given(moves=moves)
@settings(max_examples=examples(25))
async def test_any_moves_give_the_order_that_they_say(
    workspace: Workspace, kept: Kept, moves: list[tuple[int, int, bool]]
) -> None:
    docs = await kept.all(Task)
    if not docs:
        await cards(workspace, *"ABCDEF")
        docs = await kept.all(Task)
    ids = {doc["title"]: doc["_id"] for doc in docs}
    expected = list(await order(workspace, kept))
    for moved, beside, above in moves:
        card, anchor = "ABCDEF"[moved], "ABCDEF"[beside]
        body = {"before_id" if above else "after_id": ids[anchor]}
        ok(await workspace.api.post(f"/tasks/{ids[card]}/rank", body))
        if card != anchor:
            expected.remove(card)
            expected.insert(expected.index(anchor) + (not above), card)
    assert await order(workspace, kept) == "".join(expected)


async def test_a_place_that_an_undo_gives_back_is_nobody_else_s(workspace: Workspace, kept: Kept) -> None:
    a, b, c, d = await cards(workspace, "A", "B", "C", "D")
    away = ok(await workspace.api.post(f"/tasks/{b['key']}/rank", {"after_id": d["key"]}))
    ok(await workspace.api.post(f"/tasks/{c['key']}/rank", {"after_id": d["key"]}))
    ok(await workspace.api.post(f"/tasks/{d['key']}/rank", {"after_id": a["key"]}))
    ok(await workspace.api.post(f"/events/{away['version']}/undo"), 204)
    found = await order(workspace, kept)
    assert (found[0], sorted(found)) == ("A", list("ABCD"))
    # And between any two there is room.
    for one in (c, d):
        ok(await workspace.api.post(f"/tasks/{one['key']}/rank", {"after_id": b["key"]}))
        found = await order(workspace, kept)
        assert found[found.index("B") + 1] == one["title"]
