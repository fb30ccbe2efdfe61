"""What one may not see does not exist: private projects, and people, for those who are not in them."""

from typing import Any

import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import unchanged
from app.tests.support.factories import Workspace
from app.tests.test_api.core.routes import OPERATIONS, Operation
from app.tests.test_api.core.world import World, sent_as
from app.utils.ids import new_id

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

OF_PROJECTS = frozenset({"comment", "grant", "link", "project", "status", "task"})
INSIDE = [one for one in OPERATIONS if OF_PROJECTS & set(one.segments)]
CANARY = "Operation Canary"


@pytest.fixture
async def hidden(world: World) -> World:
    """The owner's private projects in the same workspace."""
    return await world.hidden()


async def send(client: Client, operation: Operation, values: Any, body: Any) -> Answer:
    path = operation.path.format(**values)
    return await client.request(operation.method, path, **sent_as(operation, body))


@pytest.mark.parametrize("operation", INSIDE, ids=str)
async def test_hidden_and_absent_look_alike(operation: Operation, world: World, hidden: World) -> None:
    values = await hidden.values(operation)
    body = await hidden.body(operation, values)
    absent = {name: new_id() for name in values if name in OF_PROJECTS}
    lead = (await world.grantees())["lead"]  # who may do everything, elsewhere
    for client in (world.workspace.member.at(""), lead):
        async with unchanged(world.services, world.workspace):
            of_hidden = await send(client, operation, values, body)
            of_nothing = await send(client, operation, values | absent, body)
        assert _alike(of_hidden) == _alike(of_nothing)
    refused(of_hidden, 404, "not_found")


def _alike(answer: Answer) -> Any:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, headers, {**answer.json(), "request_id": ""}


async def secret_task(workspace: Workspace) -> dict[str, Any]:
    project = {"key": "HID", "name": CANARY, "visibility": "private"}
    ok(await workspace.api.post("/projects", project), 201)
    task: dict[str, Any] = ok(await workspace.api.post("/tasks", {"project_id": "HID", "title": CANARY}), 201)
    ok(await workspace.api.post(f"/tasks/{task['id']}/comments", {"body": CANARY}), 201)
    ok(await workspace.api.patch(f"/tasks/{task['id']}", {"description": CANARY}))
    return task


async def test_lists_and_the_log_do_not_tell(workspace: Workspace, services: Services) -> None:
    task = await secret_task(workspace)
    shown = await workspace.task("Open to all")
    lists = ("/projects", "/tasks", "/tasks?sort=-updated", "/tasks?state=active&limit=1", "/events")
    clients = {"member": workspace.member, "guest": await workspace.guest(services, FLUID="lead")}
    for name, client in clients.items():
        for path in lists:
            answer = await client.get(path)
            assert CANARY not in answer.text, (name, path)
            assert task["id"] not in answer.text, (name, path)
        titles = [one["title"] for one in ok(await client.get("/tasks"))["items"]]
        assert titles == [shown["title"]], name
        problem = refused(await client.get("/events?count=true"), 422, "validation_failed")
        assert "only owners and admins may have the whole log counted" in problem["errors"][0]["detail"]
    assert ok(await workspace.member.get("/tasks?count=true"))["total"] == 1
    assert ok(await workspace.api.get("/tasks?count=true"))["total"] == 2
    assert ok(await (await workspace.guest(services)).get("/tasks"))["items"] == []


async def test_events_show_what_is_visible_now(workspace: Workspace) -> None:
    """A task that comes out of hiding brings its history; its event hides what came from there."""
    task = await secret_task(workspace)
    moved = ok(await workspace.api.post(f"/tasks/{task['id']}/move", {"project_id": "FLUID"}))
    member = workspace.member
    event = ok(await member.get(f"/events/{moved['version']}"))
    (op,) = (one for one in event["ops"] if one["kind"] == "task")
    assert (op["before"], op["set"]["project_id"]) == ({}, workspace.project["id"])
    refused(await member.get(f"/events/{task['version']}"), 404, "not_found")
    history = ok(await member.get(f"/tasks/{task['id']}/activity"))["items"]
    assert [one["command"] for one in history] == [
        *("task.move", "task.update", "comment.create", "task.create")
    ]
    back = ok(await workspace.api.post(f"/tasks/{task['id']}/move", {"project_id": "HID"}))
    event = ok(await member.get(f"/events/{back['version']}"))
    (op,) = (one for one in event["ops"] if one["kind"] == "task")
    assert (op["before"]["project_id"], op["set"]) == (workspace.project["id"], {})
    refused(await member.get(f"/tasks/{task['id']}"), 404, "not_found")
    refused(await member.get(f"/tasks/{task['id']}/activity"), 404, "not_found")


async def test_nothing_of_what_is_hidden_can_be_named(workspace: Workspace, services: Services) -> None:
    task = await secret_task(workspace)
    own = await workspace.task()
    member = workspace.member
    async with unchanged(services, workspace):
        for body in ({"parent_id": task["id"]}, {"parent_id": "HID-1"}):
            refused(await member.patch(f"/tasks/{own['id']}", body), 404, "not_found")
        refused(await member.post("/tasks", {"project_id": "HID", "title": "x"}), 404, "not_found")
        answer = await member.post(f"/tasks/{own['id']}/move", {"project_id": "HID"})
        refused(answer, 404, "not_found")
        answer = await member.post(f"/tasks/{own['id']}/rank", {"after_id": task["id"]})
        refused(answer, 404, "not_found")
        refused(await member.get("/tasks?project=HID"), 404, "not_found")
        refused(await member.get("/tasks?parent=HID-1"), 404, "not_found")
        assert ok(await member.get(f"/tasks?parent={task['id']}"))["items"] == []
        body = {"operations": [{"action": "update", "task": task["id"], "body": {"title": "x"}}]}
        refused(await member.post("/tasks/batch", body), 404, "not_found")
        body = {"id": task["id"], "project_id": "FLUID", "title": "x"}
        refused(await member.post("/tasks", body), 409, "already_exists")


async def test_who_may_write_here_may_not_write_there(workspace: Workspace, services: Services) -> None:
    """Every write needs its permission in the projects that it touches, both ends of a move among them."""
    ok(await workspace.api.post("/projects", {"key": "LOOK", "name": "To look at"}), 201)
    guest = await workspace.guest(services, FLUID="contributor", LOOK="viewer")
    own = await workspace.task()
    there = ok(await workspace.api.post("/tasks", {"project_id": "LOOK", "title": "x"}), 201)
    comment = ok(await workspace.api.post(f"/tasks/{there['id']}/comments", {"body": "x"}), 201)
    changed = ok(await workspace.api.patch(f"/tasks/{there['id']}", {"priority": "high"}))
    done = ok(await workspace.api.get("/projects/LOOK/statuses"))["items"][-1]["id"]
    path = f"/tasks/{there['id']}"
    async with unchanged(services, workspace):
        attempts = {
            "create": guest.post("/tasks", {"project_id": "LOOK", "title": "y"}),
            "update": guest.patch(path, {"title": "y"}),
            "trash": guest.delete(path),
            "archive": guest.post(f"{path}/archive"),
            "rank": guest.post(f"{path}/rank", {"status_id": done}),
            "move here": guest.post(f"{path}/move", {"project_id": "FLUID"}),
            "move there": guest.post(f"/tasks/{own['id']}/move", {"project_id": "LOOK"}),
            "comment": guest.post(f"{path}/comments", {"body": "y"}),
            "edit": guest.patch(f"{path}/comments/{comment['id']}", {"body": "y"}),
            "batch": guest.post(
                "/tasks/batch",
                {
                    "operations": [
                        {"action": "update", "task": own["id"], "body": {"title": "y"}},
                        {"action": "update", "task": there["id"], "body": {"title": "y"}},
                    ]
                },
            ),
            "undo": guest.post(f"/events/{changed['version']}/undo"),
        }
        for name, attempt in attempts.items():
            problem = refused(await attempt, 403, "permission_denied")
            if name == "batch":
                assert problem["errors"][0]["pointer"] == "/operations/1"
    ok(await guest.patch(f"/tasks/{own['id']}", {"title": "y"}))


async def test_guests_see_the_people_of_their_projects(workspace: Workspace, services: Services) -> None:
    project = {"key": "HID", "name": "With a customer", "visibility": "private"}
    ok(await workspace.api.post("/projects", project), 201)
    team = await workspace.team("Design", "member")
    guest = await workspace.guest(services, HID="contributor")
    await workspace.guest(services, FLUID="viewer")

    async def seen() -> set[str]:
        return {one["id"] for one in ok(await guest.get("/memberships"))["items"]}

    ids = workspace.membership_ids
    me = seen_first = await seen()
    assert seen_first >= {ids["owner"], ids["admin"]}
    assert ids["member"] not in seen_first
    assert len(me) == 3
    refused(await guest.get(f"/memberships/{ids['member']}"), 404, "not_found")
    body = {"project_id": "HID", "title": "x", "assignee_ids": [ids["member"]]}
    refused(await guest.post("/tasks", body), 404, "not_found")
    assert ids["member"] not in (await guest.get("/events")).text
    ok(await workspace.grant("viewer", "HID", team_id=team["id"]), 201)
    assert await seen() == {*seen_first, ids["member"]}
    ok(await guest.post("/tasks", body), 201)
    ok(await workspace.api.patch("/projects/HID", {"visibility": "workspace"}))
    assert await seen() == {*seen_first, ids["member"]}, "another customer's guest is nobody to them"


async def test_a_guest_without_projects_sees_nobody(workspace: Workspace, services: Services) -> None:
    guest = await workspace.guest(services)
    assert [one["display_name"] for one in ok(await guest.get("/memberships"))["items"]] == [
        "Laurel Williams"
    ]
    refused(await guest.get(f"/memberships/{workspace.membership_ids['owner']}"), 404, "not_found")
    assert "Justin Obara" not in (await guest.get("/events")).text


async def test_history_of_a_task_has_comments_for_who_may_read_them(workspace: Workspace) -> None:
    task = await workspace.task()
    await workspace.comment(task, CANARY)
    path = f"/tasks/{task['id']}/activity"
    assert CANARY in (await workspace.member.get(path)).text
    role = ok(await workspace.api.post("/roles", {"name": "Reader", "permissions": ["task:read"]}), 201)
    member = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(member, {"custom_role_id": role["id"]}))
    assert ok(await workspace.member.get(f"/tasks/{task['id']}/comments"))["items"] == []
    found = await workspace.member.get(path)
    assert [one["command"] for one in ok(found)["items"]] == ["task.create"]
    assert CANARY not in found.text


async def test_a_project_that_hides_is_gone_at_once(workspace: Workspace) -> None:
    task = await workspace.task()
    ok(await workspace.member.get(f"/tasks/{task['id']}"))
    ok(await workspace.api.patch("/projects/FLUID", {"visibility": "private"}))
    refused(await workspace.member.get(f"/tasks/{task['id']}"), 404, "not_found")
    refused(await workspace.member.get("/projects/FLUID"), 404, "not_found")
    ok(await workspace.admin.get(f"/tasks/{task['id']}"))
    ok(await workspace.api.patch("/projects/FLUID", {"visibility": "link"}))
    ok(await workspace.member.get(f"/tasks/{task['id']}"))


async def test_an_answer_that_was_kept_is_shown_to_who_may_still_see_it(
    workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", {"key": "DECA", "name": "Decapod"}), 201)
    task = await workspace.task()
    guest = await workspace.guest(services, FLUID="contributor", DECA="contributor")
    path, key = f"/tasks/{task['id']}", {"Idempotency-Key": "the-same-key"}
    first = ok(await guest.patch(path, {"priority": "high"}, headers=key))
    assert ok(await guest.patch(path, {"priority": "high"}, headers=key)) == first
    for grant in ok(await workspace.api.get("/projects/FLUID/grants"))["items"]:
        ok(await workspace.api.delete(f"/projects/FLUID/grants/{grant['id']}"), 204)
    refused(await guest.patch(path, {"priority": "high"}, headers=key), 404, "not_found")
