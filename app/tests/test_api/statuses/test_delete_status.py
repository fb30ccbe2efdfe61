from typing import Any

import pytest

from app.models.statuses import Status
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_preconditions,
    client_of,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/projects/FLUID/statuses"


def of(workspace: Workspace, name: str) -> str:
    return f"{PATH}/{workspace.statuses[name]}"


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_admins_delete(workspace: Workspace, services: Services, role: str) -> None:
    answer = await client_of(workspace, role).delete(of(workspace, "Canceled"))
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await workspace.api.get(of(workspace, "Canceled")), 404, "not_found")
    board = ok(await workspace.api.get(PATH))["items"]
    assert [one["name"] for one in board] == ["Backlog", "Todo", "In Progress", "Done"]
    assert await stored(services, Status, workspace.statuses["Canceled"]) is None
    (op,) = (await last_event(services, workspace))["ops"]
    assert (op["verb"], op["before"]["name"]) == ("delete", "Canceled")
    assert ok(await workspace.api.get("/projects/FLUID")) == workspace.project


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.delete(of(workspace, "Canceled"))

    await check_denied(services, workspace, send)


@pytest.mark.parametrize("put_away", [None, "archive", "trash"])
async def test_one_that_a_task_has_stays(
    workspace: Workspace, services: Services, put_away: str | None
) -> None:
    task = await workspace.task(status_id=workspace.statuses["Done"])
    if put_away == "archive":
        ok(await workspace.api.post(f"/tasks/{task['id']}/archive"))
    elif put_away == "trash":
        ok(await workspace.api.delete(f"/tasks/{task['id']}"))
    async with unchanged(services, workspace):
        refused(await workspace.api.delete(of(workspace, "Done")), 409, "in_use")


async def test_one_that_no_task_has_any_more_goes(workspace: Workspace, services: Services) -> None:
    task = await workspace.task(status_id=workspace.statuses["Done"])
    body = {"status_id": workspace.statuses["Todo"]}
    ok(await workspace.api.patch(f"/tasks/{task['id']}", body))
    ok(await workspace.api.delete(of(workspace, "Done")), 204)
    assert await stored(services, Status, workspace.statuses["Done"]) is None


async def test_a_project_gets_another_first_status(workspace: Workspace) -> None:
    ok(await workspace.api.delete(of(workspace, "Todo")), 204)
    project = ok(await workspace.api.get("/projects/FLUID"))
    assert project["default_status_id"] == workspace.statuses["Backlog"]
    assert project["version"] > workspace.project["version"]
    assert (await workspace.task())["status_id"] == workspace.statuses["Backlog"]


async def test_the_last_one_stays(workspace: Workspace, services: Services) -> None:
    for name in ("Backlog", "Todo", "In Progress", "Canceled"):
        ok(await workspace.api.delete(of(workspace, name)), 204)
    async with unchanged(services, workspace):
        refused(await workspace.api.delete(of(workspace, "Done")), 409, "last_status")
    assert (await workspace.task())["status_id"] == workspace.statuses["Done"]


async def test_absent_foreign_gone_and_of_another_project(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    ok(await workspace.api.delete(of(workspace, "Canceled")), 204)
    paths = [
        of(workspace, "Canceled"),
        f"{PATH}/{new_id()}",
        f"{PATH}/{other_workspace.statuses['Done']}",
        f"/projects/INFRA/statuses/{workspace.statuses['Done']}",
    ]
    async with unchanged(services, workspace, other_workspace):
        for path in paths:
            refused(await workspace.api.delete(path), 404, "not_found")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.delete(of(workspace, "Done"), **options)

    await check_preconditions(services, workspace, send, ok(await workspace.api.get(of(workspace, "Done"))))


async def test_sent_again_it_answers_the_same(workspace: Workspace, services: Services) -> None:
    headers = {"Idempotency-Key": "delete-once"}
    ok(await workspace.api.delete(of(workspace, "Done"), headers=headers), 204)
    async with unchanged(services, workspace):
        again = await workspace.api.delete(of(workspace, "Done"), headers=headers)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (204, "true")


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.delete(of(workspace, "Todo"), **options)

    await check_dry_run(services, workspace, send)
    task = await workspace.task(status_id=workspace.statuses["Done"])
    async with unchanged(services, workspace):
        answer = await workspace.api.delete(of(workspace, "Done"), params={"dry_run": "true"})
        refused(answer, 409, "in_use")
    assert ok(await workspace.api.get(f"/tasks/{task['id']}"))["status_id"] == workspace.statuses["Done"]
