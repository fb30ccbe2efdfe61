"""POST /tasks/{task}/move."""

import asyncio
from typing import Any

import pytest

from app.models.projects import Project
from app.models.tasks import Task
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.tests.support.scenarios import full_task
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

INFRA = {"project_id": "INFRA"}
FLUID = {"project_id": "FLUID"}


async def test_all_but_the_place_comes_along(workspace: Workspace, kept: Kept, infra: dict[str, Any]) -> None:
    task = await full_task(workspace)
    comment = await workspace.comment(task)
    answer = await workspace.member.post(f"/tasks/{task['key']}/move", {"project_id": "infra"})
    moved = ok(answer, 200)
    new = {"project_id", "key", "former_keys", "status_id", "rank", "version", "updated_at"}
    assert {name for name in task if task[name] != moved[name]} <= new
    assert (moved["id"], moved["key"], moved["former_keys"]) == (task["id"], "INFRA-1", [task["key"]])
    assert answer.headers["etag"] == f'"{moved["version"]}"'
    stored = await kept.one(Task, task["id"])
    assert (stored["project_id"], stored["keys"]) == (infra["id"], ["INFRA-1", task["key"]])
    (op,) = (await kept.last_event())["ops"]
    assert (op["groups_before"], op["groups_after"]) == (
        [f"project:{workspace.project['id']}"],
        [f"project:{infra['id']}"],
    )
    for ref in (task["key"], "INFRA-1", task["id"]):
        assert ok(await workspace.api.get(f"/tasks/{ref}/comments"))["items"] == [comment]


async def test_the_old_key_works_wherever_a_key_does(
    workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    task, other = await workspace.task(), await workspace.task("Another")
    ok(await workspace.api.post(f"/tasks/{task['key']}/move", INFRA))
    ok(await workspace.api.patch("/tasks/fluid-1", {"priority": "high"}))
    ok(await workspace.api.post("/tasks/FLUID-1/comments", {"body": "Moved to INFRA."}), 201)
    ok(await workspace.api.patch(f"/tasks/{other['key']}", {"parent_id": "FLUID-1"}))
    assert (await kept.one(Task, task["id"]))["priority"] == "high"
    assert (await kept.one(Task, other["id"]))["parent_id"] == task["id"]
    children = ok(await workspace.api.get("/tasks?parent=FLUID-1"))["items"]
    assert [one["id"] for one in children] == [other["id"]]
    # Nobody else ever gets it.
    assert (await workspace.task("The third"))["key"] == "FLUID-3"


async def test_who_comes_back_gets_the_former_key_again(
    workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    task = await workspace.task()
    keys = []
    for target in (INFRA, FLUID, INFRA, FLUID):
        moved = ok(await workspace.api.post(f"/tasks/{task['id']}/move", target))
        keys.append((moved["key"], moved["former_keys"]))
    there, back = ("INFRA-1", ["FLUID-1"]), ("FLUID-1", ["INFRA-1"])
    assert keys == [there, back, there, back]
    assert (await kept.one(Task, task["id"]))["keys"] == ["FLUID-1", "INFRA-1"]
    assert (await kept.one(Project, infra["id"]))["last_task_number"] == 1
    assert (await kept.one(Project, workspace.project["id"]))["last_task_number"] == 1
    assert (await workspace.task("The next"))["key"] == "FLUID-2"


@pytest.mark.parametrize(
    ("name", "rename", "expected"),
    [
        ("In Progress", None, "In Progress"),  # the same name
        ("Done", "Released", "Done"),  # the same category
        ("Backlog", "Someday", "Backlog"),
    ],
)
async def test_the_status_becomes_its_counterpart(
    workspace: Workspace, kept: Kept, infra: dict[str, Any], name: str, rename: str | None, expected: str
) -> None:
    task = await workspace.task(status_id=workspace.statuses[name])
    if rename is not None:
        path = f"/projects/FLUID/statuses/{workspace.statuses[name]}"
        ok(await workspace.api.patch(path, {"name": rename}))
    there = {
        one["id"]: one["name"] for one in ok(await workspace.api.get("/projects/INFRA/statuses"))["items"]
    }
    moved = ok(await workspace.api.post(f"/tasks/{task['key']}/move", INFRA))
    stored = await kept.one(Task, task["id"])
    assert (there[moved["status_id"]], stored["status_id"]) == (expected, moved["status_id"])
    assert (moved["category"], moved["completed_at"]) == (task["category"], task["completed_at"])


async def test_a_status_of_one_s_choice(workspace: Workspace, kept: Kept, infra: dict[str, Any]) -> None:
    task = await workspace.task()
    there = {
        one["name"]: one["id"] for one in ok(await workspace.api.get("/projects/INFRA/statuses"))["items"]
    }
    body = {**INFRA, "status_id": there["Done"]}
    moved = ok(await workspace.api.post(f"/tasks/{task['key']}/move", body))
    assert (moved["category"], moved["completed_at"] is not None) == ("done", True)
    assert (await kept.one(Task, task["id"]))["status_id"] == there["Done"]


async def test_it_comes_to_the_end_of_the_other_order(
    workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    for title in ("First", "Second"):
        ok(await workspace.api.post("/tasks", {**INFRA, "title": title}), 201)
    task = await workspace.task("Third")
    ok(await workspace.api.post(f"/tasks/{task['key']}/move", INFRA))
    ok(await workspace.api.post("/tasks", {**INFRA, "title": "Fourth"}), 201)
    listed = ok(await workspace.api.get("/tasks?project=INFRA"))["items"]
    assert [one["title"] for one in listed] == ["First", "Second", "Third", "Fourth"]
    assert [one["key"] for one in listed] == ["INFRA-1", "INFRA-2", "INFRA-3", "INFRA-4"]
    assert len({doc["rank"] for doc in await kept.all(Task)}) == 4


async def test_many_that_move_at_once_get_keys_of_their_own(
    workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    tasks = [await workspace.task(f"Task {number}") for number in range(8)]
    await asyncio.gather(
        *[workspace.api.post(f"/tasks/{one['key']}/move", INFRA) for one in tasks],
        *[workspace.api.post("/tasks", {**INFRA, "title": "New"}) for _ in range(4)],
    )
    docs = await kept.all(Task)
    assert sorted(int(doc["key"].removeprefix("INFRA-")) for doc in docs) == list(range(1, 13))
    assert len({doc["rank"] for doc in docs}) == 12


async def test_where_it_is_already_nothing_happens(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    head = await kept.head()
    assert ok(await workspace.api.post(f"/tasks/{task['key']}/move", FLUID)) == task
    assert await kept.head() == head


async def test_what_it_names_must_be_there_and_open(
    workspace: Workspace, other_workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    task = await workspace.task()
    path = f"/tasks/{task['key']}/move"
    before = await kept.state()
    for body in (
        {"project_id": "NONE"},
        {"project_id": other_workspace.project["id"]},
        {**INFRA, "status_id": workspace.statuses["Done"]},
        {**INFRA, "status_id": new_id()},
    ):
        refused(await workspace.api.post(path, body), 404, "not_found")
    refused(await workspace.api.post("/tasks/FLUID-99/move", INFRA), 404, "not_found")
    refused(await workspace.stranger.post(path, INFRA), 404, "not_found")
    assert await kept.state() == before
    ok(await workspace.api.post("/projects/INFRA/archive"))
    refused(await workspace.api.post(path, INFRA), 409, "archived")
    ok(await workspace.api.post("/projects/INFRA/unarchive"))
    ok(await workspace.api.post("/projects/FLUID/archive"))
    refused(await workspace.api.post(path, INFRA), 409, "archived")
    assert (await kept.one(Task, task["id"]))["key"] == "FLUID-1"


async def test_preconditions_dry_run_and_idempotency(
    workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    task = await workspace.task()
    path = f"/tasks/{task['id']}/move"
    before = await kept.state()
    tried = ok(await workspace.api.post(f"{path}?dry_run=true", INFRA))
    assert tried["key"] == "INFRA-1"
    stale = {"If-Match": '"1"'}
    assert (
        refused(await workspace.api.post(path, INFRA, headers=stale), 412, "precondition_failed")["current"]
        == task
    )
    assert await kept.state() == before
    headers = {"Idempotency-Key": "move-1"}
    first = ok(await workspace.api.post(path, INFRA, headers=headers))
    ok(await workspace.api.post(path, FLUID))
    assert ok(await workspace.api.post(path, INFRA, headers=headers)) == first
    assert (await kept.one(Task, task["id"]))["key"] == "FLUID-1"
