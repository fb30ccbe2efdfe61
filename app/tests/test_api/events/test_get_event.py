"""GET /events/{seq} and /tasks/{task}/activity: who changed what, from what to what, when and with what."""

from typing import Any

import pytest

from app.models.comments import Comment
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.tests.support.scenarios import second_project
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_one_event(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task(priority="high")
    headers = {"User-Agent": "pastis-web/1.0", "X-Request-ID": "b7f0c2d1e9a84c55"}
    changed = ok(
        await workspace.member.patch(f"/tasks/{task['key']}", {"priority": "urgent"}, headers=headers)
    )
    event = ok(await workspace.api.get(f"/events/{changed['version']}"))
    assert event == {
        "seq": changed["version"],
        "at": changed["updated_at"],
        "actor": {
            "kind": "user",
            "user_id": workspace.users["member"].id,
            "membership_id": workspace.membership_ids["member"],
        },
        "source": {
            "channel": "http",
            "client": "pastis-web/1.0",
            "request_id": event["source"]["request_id"],
        },
        "command": "task.update",
        "ops": [
            {
                "kind": "task",
                "id": task["id"],
                "verb": "update",
                "version": changed["version"],
                "set": {
                    "priority": "urgent",
                    "version": changed["version"],
                    "updated_at": changed["updated_at"],
                },
                "before": {
                    "priority": "high",
                    "version": task["version"],
                    "updated_at": task["updated_at"],
                },
            }
        ],
    }
    stored = await kept.event(changed["version"])
    assert (stored["command"], stored["actor"], stored["source"]) == (
        event["command"],
        event["actor"],
        event["source"],
    )


async def test_what_is_not_there(workspace: Workspace, other_workspace: Workspace, kept: Kept) -> None:
    head = await kept.head()
    assert ok(await workspace.api.get(f"/events/{head}"))["seq"] == head
    refused(await workspace.api.get(f"/events/{head + 1}"), 404, "not_found")
    refused(await workspace.stranger.get(f"/events/{head}"), 404, "not_found")
    for seq in ("0", "-1", "x", "1.0", "+1", "01", "1_0", "%201", "1e0", "٣", str(2**53 + 1)):
        refused(await workspace.api.get(f"/events/{seq}"), 422, "validation_failed")
    # Numbers are the workspace's own.
    assert (
        ok(await other_workspace.api.get("/events/1"))["ops"]
        != ok(await workspace.api.get("/events/1"))["ops"]
    )


def told(page: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """Of each event the command, the member, and what was before and after, bookkeeping apart."""
    found = []
    for event in page["items"]:
        (op,) = event["ops"]
        hidden = {"version", "updated_at", "id", "workspace_id", "created_at"}
        before, after = ({k: v for k, v in op[name].items() if k not in hidden} for name in ("before", "set"))
        found.append((event["command"], event["actor"]["membership_id"], before, after))
    return found


async def test_a_task_s_history_with_its_comments_through_a_move(workspace: Workspace, kept: Kept) -> None:
    people = workspace.membership_ids
    infra = await second_project(workspace)
    task, other = await workspace.task(), await workspace.task("Another")
    ok(await workspace.member.patch(f"/tasks/{task['key']}", {"priority": "high"}))
    comment = ok(await workspace.admin.post(f"/tasks/{task['key']}/comments", {"body": "Mine."}), 201)
    ok(await workspace.api.patch(f"/tasks/{other['key']}", {"priority": "low"}))
    ok(await workspace.admin.delete(f"/tasks/{task['key']}/comments/{comment['id']}"), 204)
    ok(await workspace.api.post(f"/tasks/{task['key']}/move", {"project_id": "INFRA"}))
    ok(await workspace.member.patch(f"/tasks/{task['id']}", {"priority": "none"}))
    page = ok(await workspace.member.get("/tasks/INFRA-1/activity"))
    commands = [event["command"] for event in page["items"]]
    assert commands == [
        "task.update",
        "task.move",
        "comment.delete",
        "comment.create",
        "task.update",
        "task.create",
    ]
    history = told(page)
    assert history[0] == ("task.update", people["member"], {"priority": "high"}, {"priority": "none"})
    assert history[4] == ("task.update", people["member"], {"priority": "none"}, {"priority": "high"})
    assert (history[1][2]["project_id"], history[1][3]["project_id"]) == (
        workspace.project["id"],
        infra["id"],
    )
    assert (history[2][1], history[2][2]["body"]) == (people["admin"], "Mine.")
    assert page["next_cursor"] is None
    assert await kept.find(Comment, comment["id"]) is None
    for ref in (task["id"], "FLUID-1", "fluid-1"):
        assert ok(await workspace.api.get(f"/tasks/{ref}/activity")) == page
    only = ok(await workspace.api.get(f"/tasks/{other['key']}/activity"))
    assert [event["command"] for event in only["items"]] == ["task.update", "task.create"]


async def test_pages_go_back_in_time_and_what_happens_meanwhile_does_not_shift_them(
    workspace: Workspace, kept: Kept
) -> None:
    task = await workspace.task()
    for number in range(7):
        ok(await workspace.api.patch(f"/tasks/{task['key']}", {"estimate": number}))
    expected = list(range(await kept.head(), task["version"] - 1, -1))
    seqs: list[int] = []
    cursor = ""
    pages = 0
    while True:
        answer = await workspace.api.get(f"/tasks/{task['key']}/activity?limit=3{cursor}")
        page = ok(answer)
        pages += 1
        seqs += [event["seq"] for event in page["items"]]
        if page["next_cursor"] is None:
            break
        assert 'rel="next"' in answer.headers["link"]
        cursor = f"&cursor={page['next_cursor']}"
        ok(await workspace.api.patch(f"/tasks/{task['key']}", {"title": f"Changed after {len(seqs)}"}))
    assert (seqs, pages) == (expected, 3)
    other = await workspace.task("Another")
    refused(await workspace.api.get(f"/tasks/{other['key']}/activity?limit=3{cursor}"), 422, "invalid_cursor")


async def test_the_history_of_what_is_not_there(workspace: Workspace, other_workspace: Workspace) -> None:
    theirs = await other_workspace.task("Theirs")
    for ref in (new_id(), theirs["id"], "FLUID-99"):
        refused(await workspace.api.get(f"/tasks/{ref}/activity"), 404, "not_found")
    refused(await workspace.stranger.get(f"/tasks/{theirs['id']}/activity"), 404, "not_found")
    assert len(ok(await other_workspace.api.get(f"/tasks/{theirs['id']}/activity"))["items"]) == 1
