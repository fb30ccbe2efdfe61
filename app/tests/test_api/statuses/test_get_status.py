import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    STRANGERS,
    check_denied,
    check_not_modified,
    client_of,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/projects/FLUID/statuses"


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_everybody_in_the_workspace_reads(workspace: Workspace, role: str) -> None:
    id_ = workspace.statuses["Done"]
    for project in ("FLUID", workspace.project["id"]):
        answer = await client_of(workspace, role).get(f"/projects/{project}/statuses/{id_}")
        status = ok(answer, 200)
        assert (status["id"], status["name"], status["category"]) == (id_, "Done", "done")
        assert answer.headers["etag"] == f'"{status["version"]}"'


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.get(f"{PATH}/{workspace.statuses['Done']}")

    await check_denied(services, workspace, send, STRANGERS)


async def test_absent_foreign_of_another_project_and_malformed(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    elsewhere = ok(await workspace.api.get("/projects/INFRA/statuses"))["items"][0]["id"]
    for id_ in (new_id(), other_workspace.statuses["Done"], elsewhere, workspace.project["id"]):
        refused(await workspace.api.get(f"{PATH}/{id_}"), 404, "not_found")
    done = workspace.statuses["Done"]
    refused(await workspace.api.get(f"/projects/INFRA/statuses/{done}"), 404, "not_found")
    for malformed in ("Done", "x", done.upper()):
        refused(await workspace.api.get(f"{PATH}/{malformed}"), 422, "validation_failed")


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api, f"{PATH}/{workspace.statuses['Done']}")
