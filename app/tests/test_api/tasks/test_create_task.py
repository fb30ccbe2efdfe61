"""POST /tasks."""

import asyncio
from typing import Any

import pytest

from app.models.tasks import Task
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.tests.support.scenarios import full_task
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

TITLE = "Uploader: progress is not announced to screen readers"
BODY = {"project_id": "FLUID", "title": TITLE}


async def test_the_least_that_a_task_needs(workspace: Workspace, kept: Kept) -> None:
    answer = await workspace.member.post("/tasks", BODY)
    task = ok(answer, 201)
    assert task == {
        "id": task["id"],
        "workspace_id": workspace.id,
        "project_id": workspace.project["id"],
        "key": "FLUID-1",
        "former_keys": [],
        "title": TITLE,
        "description": "",
        "type": "task",
        "status_id": workspace.statuses["Todo"],
        "category": "todo",
        "priority": "none",
        "label_ids": [],
        "assignee_ids": [],
        "reporter_id": workspace.membership_ids["member"],
        "parent_id": None,
        "estimate": None,
        "start_date": None,
        "due_date": None,
        "rank": task["rank"],
        "completed_at": None,
        "canceled_at": None,
        "archived_at": None,
        "trashed_at": None,
        "external": None,
        "version": await kept.head(),
        "created_at": task["created_at"],
        "updated_at": task["created_at"],
    }
    assert answer.headers["etag"] == f'"{task["version"]}"'
    assert answer.headers["location"] == f"/api/v1/workspaces/{workspace.slug}/tasks/{task['id']}"
    stored = await kept.one(Task, task["id"])
    assert (stored["title"], stored["keys"]) == (TITLE, ["FLUID-1"])
    assert stored["derived"] == {
        "state": "active",
        "due": "9999-12-31",
        "priority": 4,
        "lists": [workspace.id, workspace.project["id"], task["status_id"]],
    }
    event = await kept.event(task["version"])
    assert (event["command"], event["ops"][0]["verb"], event["refs"]) == (
        "task.create",
        "create",
        sorted([task["id"], workspace.project["id"]]),
    )


async def test_all_that_a_task_can_have(workspace: Workspace, kept: Kept) -> None:
    task = await full_task(workspace)
    stored = await kept.one(Task, task["id"])
    for name in ("description", "type", "priority", "label_ids", "assignee_ids", "parent_id", "estimate"):
        assert task[name] == stored[name]
        assert task[name]
    assert (task["category"], stored["category"]) == ("in_progress", "in_progress")
    assert (stored["derived"]["due"], stored["derived"]["priority"]) == ("2026-12-18", 1)
    assert {task["parent_id"], *task["label_ids"], *task["assignee_ids"]} < set(stored["derived"]["lists"])
    assert (await kept.one(Task, task["parent_id"]))["title"].startswith("Make all components")


async def test_keys_are_counted_up_and_ranks_come_behind(workspace: Workspace, kept: Kept) -> None:
    tasks = [await workspace.task(f"Reorderer: item {number} is skipped") for number in range(3)]
    assert [task["key"] for task in tasks] == ["FLUID-1", "FLUID-2", "FLUID-3"]
    assert [task["rank"] for task in tasks] == sorted({task["rank"] for task in tasks})
    assert [doc["key"] for doc in await kept.all(Task)] == ["FLUID-1", "FLUID-2", "FLUID-3"]


async def test_keys_are_given_once_when_many_create_at_once(workspace: Workspace, kept: Kept) -> None:
    await asyncio.gather(*[workspace.task(f"Reorderer: item {number} is skipped") for number in range(25)])
    docs = await kept.all(Task)
    assert sorted(int(doc["key"].split("-")[1]) for doc in docs) == list(range(1, 26))
    assert len({doc["rank"] for doc in docs}) == 25


@pytest.mark.parametrize(
    ("status", "category", "times"),
    [
        ("Backlog", "backlog", (False, False)),
        ("Done", "done", (True, False)),
        ("Canceled", "canceled", (False, True)),
    ],
)
async def test_a_task_may_begin_in_any_status(
    workspace: Workspace, kept: Kept, status: str, category: str, times: tuple[bool, bool]
) -> None:
    task = await workspace.task(TITLE, status_id=workspace.statuses[status])
    stored = await kept.one(Task, task["id"])
    assert (task["category"], stored["category"]) == (category, category)
    assert (task["completed_at"] is not None, task["canceled_at"] is not None) == times
    assert (stored["completed_at"] is not None, stored["canceled_at"] is not None) == times


async def test_an_id_of_the_client_s_own_making(workspace: Workspace, kept: Kept) -> None:
    task_id = new_id()
    task = ok(await workspace.api.post("/tasks", {**BODY, "id": task_id}), 201)
    assert task["id"] == task_id
    refused(await workspace.api.post("/tasks", {**BODY, "id": task_id}), 409, "already_exists")
    assert [doc["_id"] for doc in await kept.all(Task)] == [task_id]
    assert (await workspace.task())["key"] == "FLUID-2"


async def test_an_id_of_another_workspace_says_nothing_but_that_it_is_taken(
    workspace: Workspace, other_workspace: Workspace, kept: Kept
) -> None:
    theirs = await other_workspace.task("Theirs")
    refused(await workspace.api.post("/tasks", {**BODY, "id": theirs["id"]}), 409, "already_exists")
    assert await kept.all(Task) == []
    assert ok(await other_workspace.api.get(f"/tasks/{theirs['id']}"))["title"] == "Theirs"


async def test_the_same_request_twice_is_one_task(workspace: Workspace, kept: Kept) -> None:
    headers = {"Idempotency-Key": "offline-7"}
    first = await workspace.api.post("/tasks", BODY, headers=headers)
    again = await workspace.api.post("/tasks", BODY, headers=headers)
    assert ok(first, 201) == ok(again, 201)
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    other = await workspace.api.post("/tasks", {**BODY, "title": "Another"}, headers=headers)
    refused(other, 422, "idempotency_key_reused")
    # Keys are one's own.
    ok(await workspace.member.post("/tasks", {**BODY, "title": "Mine"}, headers=headers), 201)
    assert [doc["title"] for doc in await kept.all(Task)] == [TITLE, "Mine"]


async def test_a_dry_run_makes_nothing(workspace: Workspace, kept: Kept) -> None:
    before, head = await kept.state(), await kept.head()
    task = ok(await workspace.api.post("/tasks?dry_run=true", BODY), 201)
    assert (task["key"], task["title"]) == ("FLUID-1", TITLE)
    refused(await workspace.api.post("/tasks?dry_run=true", {**BODY, "project_id": "NONE"}), 404, "not_found")
    assert (await kept.state(), await kept.head()) == (before, head)


async def test_what_a_task_names_must_be_there(
    workspace: Workspace, other_workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    theirs = await other_workspace.task("Theirs")
    their_label = await other_workspace.label()
    left = workspace.membership_ids["member"]
    ok(await workspace.api.delete(f"/memberships/{left}"))
    statuses = ok(await workspace.api.get("/projects/INFRA/statuses"))["items"]
    before = await kept.state()
    for changes in (
        {"project_id": "NONE"},
        {"project_id": other_workspace.project["id"]},
        {"status_id": new_id()},
        {"status_id": statuses[0]["id"]},
        {"status_id": other_workspace.statuses["Todo"]},
        {"label_ids": [new_id()]},
        {"label_ids": [their_label["id"]]},
        {"assignee_ids": [new_id()]},
        {"assignee_ids": [other_workspace.membership_ids["owner"]]},
        {"assignee_ids": [left]},
        {"reporter_id": new_id()},
        {"reporter_id": left},
        {"parent_id": new_id()},
        {"parent_id": theirs["id"]},
        {"parent_id": "FLUID-99"},
    ):
        refused(await workspace.api.post("/tasks", {**BODY, **changes}), 404, "not_found")
    assert await kept.state() == before


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"title": ""}, "/title", "too_short"),
        ({"title": "  "}, "/title", "blank"),
        ({"title": "x" * 501}, "/title", "too_long"),
        ({"title": None}, "/title", "wrong_type"),
        ({"description": "\u0007"}, "/description", "unsafe_text"),
        ({"type": "wish"}, "/type", "invalid_choice"),
        ({"priority": "HIGH"}, "/priority", "invalid_choice"),
        ({"due_date": "2026-02-30"}, "/due_date", "invalid_date"),
        ({"due_date": "23.11.2026"}, "/due_date", "invalid_date"),
        ({"start_date": "2026-12-18", "due_date": "2026-12-17"}, "/due_date", "wrong_order"),
        ({"estimate": -1}, "/estimate", "out_of_range"),
        ({"estimate": "3"}, "/estimate", "wrong_type"),
        ({"id": "1"}, "/id", "invalid_id"),
        ({"key": "FLUID-7"}, "/key", "unknown_field"),
        ({"external": {"source": "github"}}, "/external/key", "missing"),
        ({"external": {"source": " ", "key": "1"}}, "/external/source", "blank"),
        (
            {"external": {"source": "github", "key": "1", "url": "javascript:alert(1)"}},
            "/external/url",
            "invalid_format",
        ),
    ],
)
async def test_what_does_not_fit_is_named(
    workspace: Workspace, kept: Kept, changes: dict[str, Any], pointer: str, code: str
) -> None:
    head = await kept.head()
    problem = refused(await workspace.api.post("/tasks", {**BODY, **changes}), 422, "validation_failed")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]
    assert (await kept.all(Task), await kept.head()) == ([], head)


async def test_the_same_label_twice_does_not_fit(workspace: Workspace, kept: Kept) -> None:
    label = await workspace.label()
    body = {**BODY, "label_ids": [label["id"]] * 2}
    problem = refused(await workspace.api.post("/tasks", body), 422, "validation_failed")
    assert problem["errors"][0]["code"] == "duplicate_item"
    assert await kept.all(Task) == []


async def test_an_archived_project_takes_no_tasks(workspace: Workspace, kept: Kept) -> None:
    ok(await workspace.api.post("/projects/FLUID/archive"))
    refused(await workspace.api.post("/tasks", BODY), 409, "archived")
    assert await kept.all(Task) == []
    ok(await workspace.api.post("/projects/FLUID/unarchive"))
    ok(await workspace.api.post("/tasks", BODY), 201)


async def test_who_may(workspace: Workspace, kept: Kept) -> None:
    refused(await workspace.stranger.post("/tasks", BODY), 404, "not_found")
    refused(await workspace.api.as_(None).post("/tasks", BODY), 401, "authentication_required")
    assert await kept.all(Task) == []
    for client in (workspace.api, workspace.admin, workspace.member):
        ok(await client.post("/tasks", BODY), 201)
    reporters = [doc["reporter_id"] for doc in await kept.all(Task)]
    assert reporters == [workspace.membership_ids[role] for role in ("owner", "admin", "member")]


async def test_a_parent_by_its_key_that_is_in_the_trash_is_not_there(
    workspace: Workspace, kept: Kept
) -> None:
    parent = await workspace.task("Make all components accessible by keyboard")
    child = ok(await workspace.api.post("/tasks", {**BODY, "parent_id": "fluid-1"}), 201)
    assert (await kept.one(Task, child["id"]))["parent_id"] == parent["id"]
    ok(await workspace.api.delete(f"/tasks/{parent['key']}"))
    refused(await workspace.api.post("/tasks", {**BODY, "parent_id": parent["id"]}), 404, "not_found")
    assert len(await kept.all(Task)) == 2


async def test_a_script_says_who_reported_a_task_and_where_it_comes_from(workspace: Workspace) -> None:
    reporter = workspace.membership_ids["admin"]
    task = await workspace.task(reporter_id=reporter, external={"source": "github", "key": "infusion#1203"})
    assert task["reporter_id"] == reporter
    assert task["external"] == {"source": "github", "key": "infusion#1203", "url": None}
    history = ok(await workspace.api.get(f"/tasks/{task['id']}/activity"))["items"]
    assert history[0]["actor"]["membership_id"] == workspace.membership_ids["owner"]
