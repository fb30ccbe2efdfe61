"""/tasks/{task}/comments: written, read, edited and deleted, by whom it may be."""

from typing import Any

import pytest

from app.models.comments import Comment
from app.models.tasks import Task
from app.tests.support.clients import Answer, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

BODY = {"body": "Reproduced with NVDA 2026.1: the *live region* is **empty**.\n\nSee r10241."}


async def write(workspace: Workspace, role: str, task: dict[str, Any]) -> dict[str, Any]:
    client = {"owner": workspace.api, "admin": workspace.admin, "member": workspace.member}[role]
    comment: dict[str, Any] = ok(await client.post(f"/tasks/{task['id']}/comments", BODY), 201)
    return comment


def path_of(comment: dict[str, Any]) -> str:
    return f"/tasks/{comment['task_id']}/comments/{comment['id']}"


async def test_a_comment_is_written(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    answer = await workspace.member.post(f"/tasks/{task['key'].lower()}/comments", BODY)
    comment = ok(answer, 201)
    assert comment == {
        "id": comment["id"],
        "workspace_id": workspace.id,
        "task_id": task["id"],
        "author_id": workspace.membership_ids["member"],
        "body": BODY["body"],
        "edited_at": None,
        "version": await kept.head(),
        "created_at": comment["created_at"],
        "updated_at": comment["created_at"],
    }
    assert answer.headers["location"].endswith(f"/comments/{comment['id']}")
    stored = await kept.one(Comment, comment["id"])
    assert (stored["body"], stored["task_id"]) == (BODY["body"], task["id"])
    event = await kept.event(comment["version"])
    assert (event["command"], event["refs"]) == ("comment.create", sorted([comment["id"], task["id"]]))
    assert event["ops"][0]["groups_after"] == [f"task:{task['id']}"]
    # The task itself is as it was.
    assert (await kept.one(Task, task["id"]))["version"] == task["version"]
    answer = await workspace.api.get(path_of(comment))
    assert (ok(answer), answer.headers["etag"]) == (comment, f'"{comment["version"]}"')


async def test_an_edit_says_that_it_was_one(workspace: Workspace, kept: Kept, clock: TestClock) -> None:
    comment = await write(workspace, "member", await workspace.task())
    clock.forward(seconds=30)
    edited = ok(await workspace.member.patch(path_of(comment), {"body": "Fixed on main."}))
    assert (edited["body"], edited["author_id"]) == ("Fixed on main.", comment["author_id"])
    assert edited["edited_at"] == edited["updated_at"] > comment["created_at"]
    stored = await kept.one(Comment, comment["id"])
    assert (stored["body"], stored["version"], stored["edited_at"] is None) == (
        "Fixed on main.",
        edited["version"],
        False,
    )
    assert (await kept.last_event())["ops"][0]["before"]["body"] == BODY["body"]
    # The same text again is no edit.
    clock.forward(seconds=30)
    assert ok(await workspace.member.patch(path_of(comment), {"body": "Fixed on main."})) == edited
    assert await kept.head() == edited["version"]


async def test_a_deletion_leaves_the_text_in_the_history(workspace: Workspace, kept: Kept) -> None:
    comment = await write(workspace, "member", await workspace.task())
    answer = await workspace.member.delete(path_of(comment))
    assert (answer.status_code, answer.content) == (204, b"")
    assert await kept.find(Comment, comment["id"]) is None
    refused(await workspace.api.get(path_of(comment)), 404, "not_found")
    refused(await workspace.api.delete(path_of(comment)), 404, "not_found")
    (op,) = (await kept.last_event())["ops"]
    assert (op["verb"], op["before"]["body"]) == ("delete", BODY["body"])


@pytest.mark.parametrize("verb", ["patch", "delete"])
@pytest.mark.parametrize(
    ("actor", "author", "allowed"),
    [
        ("member", "member", True),
        ("member", "owner", False),
        ("member", "admin", False),
        ("admin", "member", True),
        ("admin", "owner", True),
        ("owner", "member", True),
    ],
)
async def test_whose_comment_one_may_change(
    workspace: Workspace, kept: Kept, verb: str, actor: str, author: str, allowed: bool
) -> None:
    comment = await write(workspace, author, await workspace.task())
    client = {"owner": workspace.api, "admin": workspace.admin, "member": workspace.member}[actor]
    answer: Answer
    if verb == "patch":
        answer = await client.patch(path_of(comment), {"body": "Edited."})
    else:
        answer = await client.delete(path_of(comment))
    stored = await kept.find(Comment, comment["id"])
    if not allowed:
        refused(answer, 403, "permission_denied")
        assert stored is not None
        assert (stored["body"], stored["version"]) == (BODY["body"], comment["version"])
    else:
        ok(answer)
        assert (stored or {}).get("body") == ("Edited." if verb == "patch" else None)
        if stored is not None:
            assert stored["author_id"] == workspace.membership_ids[author]


async def test_the_list_is_the_oldest_first_page_by_page(
    workspace: Workspace, kept: Kept, clock: TestClock
) -> None:
    task, other = await workspace.task(), await workspace.task("Another")
    await workspace.comment(other, "Not here.")
    made = []
    for number in range(7):
        if number % 3 == 0:
            clock.forward(seconds=1)
        made.append((await workspace.comment(task, f"Comment {number}"))["id"])
    whole = ok(await workspace.member.get(f"/tasks/{task['key']}/comments"))
    assert ([one["id"] for one in whole["items"]], whole["next_cursor"]) == (made, None)
    items: list[str] = []
    cursor = ""
    for _ in range(3):
        page = ok(await workspace.api.get(f"/tasks/{task['id']}/comments?limit=3{cursor}"))
        items += [one["id"] for one in page["items"]]
        await workspace.comment(task, "Written meanwhile.")
        cursor = f"&cursor={page['next_cursor']}"
    assert (items[:7], len(items), len(set(items))) == (made, 9, 9)
    assert len(await kept.all(Comment)) == 11
    elsewhere = await workspace.api.get(f"/tasks/{other['id']}/comments?limit=3{cursor}")
    refused(elsewhere, 422, "invalid_cursor")
    assert ok(await workspace.api.get(f"/tasks/{task['id']}/comments?count=true&limit=1"))["total"] == 10


async def test_a_comment_is_found_on_its_task_only(
    workspace: Workspace, other_workspace: Workspace, kept: Kept
) -> None:
    task, other = await workspace.task(), await workspace.task("Another")
    comment = await workspace.comment(task)
    theirs = await other_workspace.comment(await other_workspace.task("Theirs"))
    before = await kept.state()
    for path in (
        f"/tasks/{other['id']}/comments/{comment['id']}",
        f"/tasks/{task['id']}/comments/{new_id()}",
        f"/tasks/{task['id']}/comments/{theirs['id']}",
        f"/tasks/{theirs['task_id']}/comments/{theirs['id']}",
        f"/tasks/FLUID-99/comments/{comment['id']}",
    ):
        refused(await workspace.api.get(path), 404, "not_found")
        refused(await workspace.api.patch(path, {"body": "No"}), 404, "not_found")
        refused(await workspace.api.delete(path), 404, "not_found")
    for ref in (new_id(), theirs["task_id"], "FLUID-99"):
        refused(await workspace.api.get(f"/tasks/{ref}/comments"), 404, "not_found")
        refused(await workspace.api.post(f"/tasks/{ref}/comments", BODY), 404, "not_found")
    refused(await workspace.stranger.get(path_of(comment)), 404, "not_found")
    refused(await workspace.stranger.post(f"/tasks/{task['id']}/comments", BODY), 404, "not_found")
    assert await kept.state() == before
    assert ok(await workspace.api.get(f"/tasks/{other['id']}/comments"))["items"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing"),
        ({"body": ""}, "too_short"),
        ({"body": " \n "}, "blank"),
        ({"body": "x" * 100_001}, "too_long"),
        ({"body": "a\u0007b"}, "unsafe_text"),
        ({"body": None}, "wrong_type"),
        ({"body": "Fine.", "author_id": None}, "unknown_field"),
    ],
)
async def test_what_does_not_fit_is_named(
    workspace: Workspace, kept: Kept, body: dict[str, Any], code: str
) -> None:
    task = await workspace.task()
    comment = await workspace.comment(task)
    before = await kept.state()
    for answer in (
        await workspace.api.post(f"/tasks/{task['id']}/comments", body),
        await workspace.api.patch(path_of(comment), body),
    ):
        problem = refused(answer, 422, "validation_failed")
        assert [error["code"] for error in problem["errors"]] == [code]
    assert await kept.state() == before


async def test_preconditions_dry_run_and_idempotency(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    comments = f"/tasks/{task['id']}/comments"
    headers = {"Idempotency-Key": "train-4"}
    comment = ok(await workspace.api.post(comments, BODY, headers=headers), 201)
    again = await workspace.api.post(comments, BODY, headers=headers)
    assert (ok(again, 201), again.headers["idempotency-replayed"]) == (comment, "true")
    refused(await workspace.api.post(comments, {**BODY, "id": comment["id"]}), 409, "already_exists")
    ok(await workspace.api.post(f"{comments}?dry_run=true", BODY), 201)
    ok(await workspace.api.patch(f"{path_of(comment)}?dry_run=true", {"body": "Tried."}))
    ok(await workspace.api.delete(f"{path_of(comment)}?dry_run=true"), 204)
    stale = {"If-Match": f'"{task["version"]}"'}
    answer = await workspace.api.patch(path_of(comment), {"body": "No"}, headers=stale)
    assert refused(answer, 412, "precondition_failed")["current"] == comment
    refused(await workspace.api.delete(path_of(comment), headers=stale), 412, "precondition_failed")
    (stored,) = await kept.all(Comment)
    assert (stored["body"], await kept.head()) == (BODY["body"], comment["version"])
    fresh = {"If-Match": f'"{comment["version"]}"'}
    ok(await workspace.api.delete(path_of(comment), headers=fresh), 204)
    assert await kept.all(Comment) == []
