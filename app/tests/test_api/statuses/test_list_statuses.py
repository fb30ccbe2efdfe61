import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    STRANGERS,
    check_denied,
    check_not_modified,
    check_pages,
    client_of,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/projects/FLUID/statuses"


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_in_the_order_of_the_board(workspace: Workspace, role: str) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    items = await check_pages(client_of(workspace, role), PATH, "/projects/INFRA/statuses")
    assert [one["name"] for one in items] == ["Backlog", "Todo", "In Progress", "Done", "Canceled"]
    assert [one["rank"] for one in items] == sorted(one["rank"] for one in items)


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.get(PATH)

    await check_denied(services, workspace, send, STRANGERS)


async def test_of_this_project_only(workspace: Workspace) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    by_key = ok(await workspace.api.get("/projects/infra/statuses"))["items"]
    assert {one["id"] for one in by_key}.isdisjoint(workspace.statuses.values())
    by_id = ok(await workspace.api.get(f"/projects/{workspace.project['id']}/statuses"))["items"]
    assert {one["id"] for one in by_id} == set(workspace.statuses.values())


async def test_absent_and_foreign_projects(workspace: Workspace, other_workspace: Workspace) -> None:
    for ref in (new_id(), "NOPE", other_workspace.project["id"]):
        refused(await workspace.api.get(f"/projects/{ref}/statuses"), 404, "not_found")


async def test_of_an_archived_project(workspace: Workspace) -> None:
    before = ok(await workspace.api.get(PATH))
    ok(await workspace.api.post("/projects/FLUID/archive"))
    assert ok(await workspace.api.get(PATH)) == before


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api, PATH)
