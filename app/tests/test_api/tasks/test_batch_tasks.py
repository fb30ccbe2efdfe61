"""POST /tasks/batch: operations that are all done, or none."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from app.api.gate import Requires
from app.models.grants import ProjectRole
from app.models.tasks import Task
from app.services.access import rules
from app.services.bootstrap import Services
from app.services.tasks.commands import PERMISSIONS
from app.tests.support.clients import Answer, ok, refused
from app.tests.support.conventions import check_denied, check_dry_run, check_replay, unchanged
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.tests.support.scenarios import second_project
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/tasks/batch"


async def send(workspace: Workspace, *operations: dict[str, Any], **options: Any) -> Answer:
    return await workspace.api.post(PATH, {"operations": list(operations)}, **options)


def create(title: str = "Focus is lost", **fields: Any) -> dict[str, Any]:
    return {"action": "create", "body": {"project_id": "FLUID", "title": title, **fields}}


def update(task: str, version: int | None = None, **fields: Any) -> dict[str, Any]:
    operation = {"action": "update", "task": task, "body": fields}
    return operation if version is None else {**operation, "version": version}


async def test_every_verb_is_a_command_of_its_own(workspace: Workspace, kept: Kept) -> None:
    await second_project(workspace)
    task, other = await workspace.task("One"), await workspace.task("Other")
    head = await kept.head()
    new = new_id()
    operations = [
        create("New", id=new, label_ids=[]),
        update(task["key"].lower(), priority="high"),
        {"action": "rank", "task": new, "body": {"before_id": task["id"]}},
        {"action": "move", "task": other["key"], "body": {"project_id": "INFRA"}},
        {"action": "archive", "task": task["id"]},
        {"action": "unarchive", "task": task["id"]},
        {"action": "trash", "task": new},
        {"action": "restore", "task": new},
    ]
    answer = await send(workspace, *operations)
    items = ok(answer, 200)["items"]
    seqs = list(range(head + 1, head + 9))
    assert [one["version"] for one in items] == seqs
    assert answer.headers["pastis-event"] == ", ".join(map(str, seqs))
    assert [one["id"] for one in items] == [new] + [
        new if one["task"] == new else other["id"] if one["task"] == other["key"] else task["id"]
        for one in operations[1:]
    ]
    commands = [(await kept.event(seq))["command"] for seq in seqs]
    assert commands == [f"task.{one['action']}" for one in operations]
    assert (items[1]["priority"], items[3]["key"]) == ("high", "INFRA-1")
    assert items[4]["archived_at"] is not None
    assert ok(await workspace.api.get(f"/tasks/{new}")) == items[-1]
    order = [one["id"] for one in ok(await workspace.api.get("/tasks?project=FLUID"))["items"]]
    assert order == [new, task["id"]]


async def test_what_comes_before_is_seen(workspace: Workspace) -> None:
    parent, child = new_id(), new_id()
    answer = await send(
        workspace,
        create("Keyboard", id=parent, type="epic"),
        create("Reorderer", id=child, parent_id=parent),
        update(parent, title="Keyboard accessibility"),
        update(parent, estimate=8),
    )
    items = ok(answer)["items"]
    assert [one["key"] for one in items] == ["FLUID-1", "FLUID-2", "FLUID-1", "FLUID-1"]
    assert items[1]["parent_id"] == parent
    assert (items[3]["title"], items[3]["estimate"]) == ("Keyboard accessibility", 8)
    assert len({one["rank"] for one in items}) == 2


REFUSALS: list[tuple[dict[str, Any], int, str, str, str]] = [
    (update("FLUID-99", title="x"), 404, "not_found", "", "refused"),
    (update(new_id(), title="x"), 404, "not_found", "", "refused"),
    (update("FLUID-1", status_id=new_id()), 404, "not_found", "", "refused"),
    (update("FLUID-1", version=1, title="x"), 412, "precondition_failed", "", "refused"),
    (update("FLUID-2", title="x"), 409, "trashed", "", "refused"),
    (create(project_id="NOPE"), 404, "not_found", "", "refused"),
    (
        update("FLUID-1", start_date="2026-12-02", due_date="2026-12-01"),
        422,
        "validation_failed",
        "/body/due_date",
        "wrong_order",
    ),
    (
        {"action": "rank", "task": "FLUID-1", "body": {}},
        422,
        "validation_failed",
        "/body/after_id",
        "invalid_choice",
    ),
    (update("FLUID-1", titel="x"), 422, "validation_failed", "/body/titel", "unknown_field"),
    (update("FLUID-1", title="\u200b"), 422, "validation_failed", "/body/title", "blank"),
    ({"action": "trash"}, 422, "validation_failed", "/task", "missing"),
    ({"action": "update", "task": "FLUID-1"}, 422, "validation_failed", "/body", "missing"),
    ({"action": "delete", "task": "FLUID-1"}, 422, "validation_failed", "", "invalid_choice"),
    ({"task": "FLUID-1"}, 422, "validation_failed", "", "missing"),
]


@pytest.mark.parametrize(("operation", "status", "code", "pointer", "field"), REFUSALS)
async def test_one_that_is_refused_refuses_all_and_is_pointed_to(
    workspace: Workspace,
    kept: Kept,
    operation: dict[str, Any],
    status: int,
    code: str,
    pointer: str,
    field: str,
) -> None:
    task, trashed = await workspace.task(), await workspace.task()
    ok(await workspace.api.delete(f"/tasks/{trashed['key']}"))
    before = await kept.state()
    answer = await send(workspace, create("Never"), update(task["id"], priority="low"), operation, create())
    (error,) = refused(answer, status, code)["errors"]
    assert (error["pointer"], error["code"]) == (f"/operations/2{pointer}", field)
    assert await kept.state() == before


async def test_ids_that_are_taken(workspace: Workspace, other_workspace: Workspace, kept: Kept) -> None:
    """Here, in another workspace, and earlier in the same batch."""
    mine, theirs, twice = await workspace.task(), await other_workspace.task(), new_id()
    before = await kept.state()
    for batch in (
        [create(), create(id=mine["id"])],
        [create(id=new_id()), create(id=theirs["id"]), create()],
        [create(id=twice), create(id=twice)],
    ):
        (error,) = refused(await send(workspace, *batch), 409, "already_exists")["errors"]
        assert error["pointer"] == "/operations/1/body/id"
    assert await kept.state() == before


async def test_versions_and_if_match(workspace: Workspace, kept: Kept) -> None:
    task, other = await workspace.task(), await workspace.task()
    right = {"If-Match": f'"{task["version"]}"'}
    before = await kept.state()
    stale = await send(workspace, update(task["id"]), update(other["id"], title="x"), headers=right)
    problem = refused(stale, 412, "precondition_failed")
    assert (problem["errors"][0]["pointer"], problem["current"]) == ("/operations/1", other)
    for value in ("*", right["If-Match"]):
        refused(await send(workspace, create(), headers={"If-Match": value}), 412, "precondition_failed")
    assert await kept.state() == before
    answer = await send(
        workspace,
        update(task["id"], title="x"),
        update(other["id"], version=other["version"], title="y"),
        headers=right,
    )
    assert [one["title"] for one in ok(answer)["items"]] == ["x", "y"]


async def test_nothing_changed(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    before = await kept.state()
    answer = await send(workspace, update(task["id"]), update(task["id"], title=task["title"]))
    assert ok(answer)["items"] == [task, task]
    assert "pastis-event" not in answer.headers
    assert await kept.state() == before


async def test_how_many(workspace: Workspace, kept: Kept) -> None:
    for count, code in ((0, "too_few"), (101, "too_many")):
        (error,) = refused(await send(workspace, *[create()] * count), 422, "validation_failed")["errors"]
        assert (error["pointer"], error["code"]) == ("/operations", code)
    head = await kept.head()
    items = ok(await send(workspace, *(create(f"Task {number}") for number in range(100))))["items"]
    assert [one["key"] for one in items] == [f"FLUID-{number}" for number in range(1, 101)]
    assert await kept.head() == head + 100
    assert len(await kept.all(Task)) == 100


async def test_sent_again_it_answers_the_same(workspace: Workspace, services: Services) -> None:
    task = await workspace.task()
    trash = {"action": "trash", "task": task["key"]}
    body = {"operations": [create(), update(task["id"], priority="high"), trash]}

    async def request(json: Any = body, **options: Any) -> Answer:
        return await workspace.api.post(PATH, json, **options)

    await check_replay(services, workspace, request, {"operations": [create("Other")]})
    first, second = [await request(headers={"Idempotency-Key": "the-same-key"}) for _ in range(2)]
    assert first.headers["pastis-event"] == second.headers["pastis-event"]


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def request(**options: Any) -> Answer:
        return await send(workspace, create(), create("Second"), **options)

    items = (await check_dry_run(services, workspace, request))["items"]
    assert [one["key"] for one in items] == ["FLUID-1", "FLUID-2"]


async def test_who_may(workspace: Workspace, services: Services) -> None:
    ok(await workspace.member.post(PATH, {"operations": [create()]}))
    denied = (("stranger", 404, "not_found"), ("anonymous", 401, "authentication_required"))
    await check_denied(
        services,
        workspace,
        lambda client: client.post(PATH, {"operations": [create()]}),
        denied,
    )


@pytest.mark.parametrize("action", ["create", "trash", "update"])
async def test_each_action_needs_its_permission(
    workspace: Workspace, services: Services, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    task = await workspace.task()
    operations = {
        "create": create(),
        "trash": {"action": "trash", "task": task["id"]},
        "update": update(task["id"], title="x"),
    }
    allowed = next(one for name, one in operations.items() if name != action)
    monkeypatch.setattr(
        rules, "_CONTRIBUTOR", rules.IN_PROJECT[ProjectRole.CONTRIBUTOR] - {PERMISSIONS[action]}
    )
    services.access.forget_user(workspace.users["member"].id)
    async with unchanged(services, workspace):
        body = {"operations": [allowed, operations[action]]}
        problem = refused(await workspace.member.post(PATH, body), 403, "permission_denied")
    assert problem["errors"][0]["pointer"] == "/operations/1"
    assert PERMISSIONS[action] in problem["detail"]


def test_actions_require_what_their_routes_do(app: FastAPI) -> None:
    required = {
        str(context.name): dependency.call.permission
        for context in iter_route_contexts(app.router.routes)
        if isinstance(context.original_route, APIRoute)
        for dependency in context.dependant.dependencies
        if isinstance(dependency.call, Requires)
    }
    routes = {action: "delete_task" if action == "trash" else f"{action}_task" for action in PERMISSIONS}
    assert {action: required[route] for action, route in routes.items()} == dict(PERMISSIONS)


async def test_its_address_is_no_task(workspace: Workspace) -> None:
    for method, options in (("GET", {}), ("DELETE", {}), ("PATCH", {"json": {"title": "x"}})):
        refused(await workspace.api.request(method, PATH, **options), 404, "not_found")
    answer = await workspace.api.request("PUT", PATH)
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PATCH, POST"


async def test_each_event_is_undone_by_itself(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    answer = await send(workspace, update(task["id"], priority="high"), update(task["id"], estimate=3))
    first, _ = answer.headers["pastis-event"].split(", ")
    ok(await workspace.api.post(f"/events/{first}/undo"), 204)
    stored = await kept.one(Task, task["id"])
    assert (stored["priority"], stored["estimate"]) == ("none", 3)


async def test_of_another_workspace(workspace: Workspace, other_workspace: Workspace, kept: Kept) -> None:
    theirs = await other_workspace.task()
    label = await other_workspace.label()
    before = await kept.state()
    for operation in (
        {"action": "trash", "task": theirs["id"]},
        update(theirs["id"], title="Mine"),
        create(parent_id=theirs["id"]),
        create(label_ids=[label["id"]]),
        create(project_id=other_workspace.project["id"]),
    ):
        refused(await send(workspace, operation), 404, "not_found")
    assert await kept.state() == before
    assert ok(await other_workspace.api.get(f"/tasks/{theirs['id']}")) == theirs
