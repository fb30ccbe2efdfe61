from typing import Any

import pytest

from app.models.statuses import Status
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_replay,
    client_of,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

PATH = "/projects/FLUID/statuses"
BODY = {"name": "In review", "category": "in_progress"}


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_admins_create_at_the_end_of_the_board(
    workspace: Workspace, services: Services, role: str
) -> None:
    client = client_of(workspace, role)
    answer = await client.post(PATH, BODY)
    status = ok(answer, 201)
    assert {name: status[name] for name in BODY} == BODY
    assert (status["workspace_id"], status["project_id"]) == (workspace.id, workspace.project["id"])
    assert answer.headers["location"] == f"{client.base}{PATH}/{status['id']}"
    assert ok(await workspace.member.get(f"{PATH}/{status['id']}")) == status
    board = ok(await workspace.member.get(PATH))["items"]
    assert board[-1] == status
    assert len(board) == 6
    kept = await stored(services, Status, status["id"])
    assert kept is not None
    assert (kept["workspace_id"], kept["project_id"]) == (workspace.id, workspace.project["id"])
    event = await last_event(services, workspace)
    assert (event["command"], event["seq"]) == ("status.create", status["version"])


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.post(PATH, BODY)

    await check_denied(services, workspace, send)


async def test_a_name_is_used_once_in_a_project(workspace: Workspace, services: Services) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    ok(await workspace.api.post(PATH, BODY), 201)
    async with unchanged(services, workspace):
        for name in ("In review", "IN REVIEW", " in review "):
            refused(await workspace.api.post(PATH, {**BODY, "name": name}), 409, "already_exists")
    ok(await workspace.api.post("/projects/INFRA/statuses", BODY), 201)


async def test_a_board_has_fifty_at_most(workspace: Workspace, services: Services) -> None:
    for number in range(45):
        ok(await workspace.api.post(PATH, {**BODY, "name": f"Step {number}"}), 201)
    async with unchanged(services, workspace):
        refused(await workspace.api.post(PATH, BODY), 409, "limit_reached")
    board = ok(await workspace.api.get(PATH, params={"limit": 200}))["items"]
    assert [one["name"] for one in board[5:]] == [f"Step {number}" for number in range(45)]
    ok(await workspace.api.delete(f"{PATH}/{board[7]['id']}"), 204)
    ok(await workspace.api.post(PATH, BODY), 201)


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": ""},
        {"name": "\u180e"},
        {"name": "a\rb"},
        {"name": "x" * 101},
        {"category": None},
        {"category": "waiting"},
        {"category": "Done"},
        {"category": {"$ne": None}},
        {"rank": "a0"},
        {"project_id": "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01"},
        {"id": "0197f0c4-7d1a-4c3e-9b60-2f8d1e4a5c01"},
    ],
    ids=str,
)
async def test_malformed(workspace: Workspace, services: Services, change: dict[str, Any]) -> None:
    async with unchanged(services, workspace):
        problem = refused(await workspace.api.post(PATH, {**BODY, **change}), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [f"/{name}" for name in change]


async def test_absent_and_foreign_projects(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    async with unchanged(services, workspace, other_workspace):
        for ref in (new_id(), "NOPE", other_workspace.project["id"]):
            refused(await workspace.api.post(f"/projects/{ref}/statuses", BODY), 404, "not_found")


async def test_an_id_of_the_clients_own_works_once(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    id_ = new_id()
    assert ok(await workspace.api.post(PATH, {**BODY, "id": id_}), 201)["id"] == id_
    async with unchanged(services, workspace, other_workspace):
        for one in (workspace, other_workspace):
            body = {**BODY, "id": id_, "name": "Other"}
            refused(await one.api.post(PATH, body), 409, "already_exists")


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    async def send(json: Any = BODY, **options: Any) -> Answer:
        return await workspace.api.post(PATH, json, **options)

    await check_replay(services, workspace, send, {**BODY, "name": "Other"})


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post(PATH, BODY, **options)

    await check_dry_run(services, workspace, send)
