from typing import Any

import pytest

from app.models.projects import Project
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

BODY = {"key": "INFRA", "name": "Infrastructure", "description": "Servers & such."}


@pytest.mark.parametrize("role", ["owner", "admin"])
@pytest.mark.usefixtures("long_memory")
async def test_admins_create(workspace: Workspace, services: Services, role: str) -> None:
    client = client_of(workspace, role)
    lead = workspace.membership_ids["member"]
    answer = await client.post("/projects", {**BODY, "lead_id": lead})
    project = ok(answer, 201)
    assert {name: project[name] for name in BODY} == BODY
    assert (project["lead_id"], project["archived_at"]) == (lead, None)
    assert answer.headers["location"] == f"{client.base}/projects/{project['id']}"
    for ref in ("INFRA", "infra", project["id"]):
        assert ok(await workspace.member.get(f"/projects/{ref}")) == project
    kept = await stored(services, Project, project["id"])
    assert kept is not None
    assert (kept["workspace_id"], kept["last_task_number"]) == (workspace.id, 0)
    event = await last_event(services, workspace)
    assert (event["command"], event["seq"]) == ("project.create", project["version"])


async def test_the_usual_statuses_are_on_its_board(workspace: Workspace, services: Services) -> None:
    project = ok(await workspace.api.post("/projects", BODY), 201)
    statuses = ok(await workspace.api.get("/projects/INFRA/statuses"))["items"]
    assert [(one["name"], one["category"]) for one in statuses] == [
        ("Backlog", "backlog"),
        ("Todo", "todo"),
        ("In Progress", "in_progress"),
        ("Done", "done"),
        ("Canceled", "canceled"),
    ]
    assert project["default_status_id"] == statuses[1]["id"]
    assert {one["version"] for one in statuses} == {project["version"]}, "all of it is one command"
    query = {"workspace_id": workspace.id, "project_id": project["id"]}
    assert await services.database.collection(Status).count_documents(query) == 5


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.post("/projects", BODY)

    await check_denied(services, workspace, send)


async def test_a_key_is_used_once_in_a_workspace(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", BODY), 201)
    async with unchanged(services, workspace):
        (error,) = refused(await workspace.api.post("/projects", BODY), 409, "already_exists")["errors"]
        assert error["pointer"] == "/key"
    ok(await other_workspace.api.post("/projects", BODY), 201)


async def test_the_key_of_an_archived_project_is_still_its_own(workspace: Workspace) -> None:
    ok(await workspace.api.post("/projects/FLUID/archive"))
    answer = await workspace.api.post("/projects", {"key": "FLUID", "name": "Again"})
    refused(answer, 409, "already_exists")


@pytest.mark.parametrize(
    "key", ["A", "A" * 11, "infra", "1AB", "A-B", "A B", "ÄB", "AB\n", "", None, 12, "$NE"]
)
async def test_a_key_begins_the_keys_of_tasks(workspace: Workspace, services: Services, key: Any) -> None:
    async with unchanged(services, workspace):
        answer = await workspace.api.post("/projects", {**BODY, "key": key})
        problem = refused(answer, 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == ["/key"]


async def test_a_lead_is_somebody_here(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    gone = workspace.membership_ids["member"]
    ok(await workspace.api.delete(f"/memberships/{gone}"))
    foreign = other_workspace.membership_ids["owner"]
    async with unchanged(services, workspace, other_workspace):
        for lead in (new_id(), foreign, workspace.users["owner"].id, gone):
            answer = await workspace.api.post("/projects", {**BODY, "lead_id": lead})
            refused(answer, 404, "not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": "\u2060"},
        {"name": "x" * 101},
        {"description": 1},
        {"lead_id": "me"},
        {"archived_at": None},
        {"default_status_id": "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01"},
        {"last_task_number": 5},
    ],
    ids=str,
)
async def test_malformed(workspace: Workspace, services: Services, change: dict[str, Any]) -> None:
    async with unchanged(services, workspace):
        answer = await workspace.api.post("/projects", {**BODY, **change})
        problem = refused(answer, 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [f"/{name}" for name in change]


async def test_an_id_of_the_clients_own_works_once(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    id_ = new_id()
    assert ok(await workspace.api.post("/projects", {**BODY, "id": id_}), 201)["id"] == id_
    body = {**BODY, "id": id_, "key": "OTHER"}
    async with unchanged(services, workspace, other_workspace):
        for one in (workspace, other_workspace):
            refused(await one.api.post("/projects", body), 409, "already_exists")


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    async def send(json: Any = BODY, **options: Any) -> Answer:
        return await workspace.api.post("/projects", json, **options)

    await check_replay(services, workspace, send, {**BODY, "key": "OTHER"})


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post("/projects", BODY, **options)

    await check_dry_run(services, workspace, send)
    async with unchanged(services, workspace):
        refused(await send(params={"dry_run": "true"}), 409, "already_exists")
