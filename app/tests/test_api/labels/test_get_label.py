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


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_everybody_in_the_workspace_reads(workspace: Workspace, role: str) -> None:
    label = await workspace.label()
    answer = await client_of(workspace, role).get(f"/labels/{label['id']}")
    assert ok(answer, 200) == label
    assert answer.headers["etag"] == f'"{label["version"]}"'


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()

    async def send(client: Client) -> Answer:
        return await client.get(f"/labels/{label['id']}")

    await check_denied(services, workspace, send, STRANGERS)


async def test_by_the_workspaces_id_and_slug_alike(workspace: Workspace) -> None:
    label = await workspace.label()
    for ref in (workspace.id, workspace.slug):
        client = workspace.api.at(f"/api/v1/workspaces/{ref}")
        assert ok(await client.get(f"/labels/{label['id']}")) == label


async def test_absent_foreign_deleted_and_malformed(workspace: Workspace, other_workspace: Workspace) -> None:
    foreign = await other_workspace.label()
    gone = await workspace.label()
    ok(await workspace.api.delete(f"/labels/{gone['id']}"), 204)
    problems = [
        refused(await workspace.api.get(f"/labels/{id_}"), 404, "not_found")
        for id_ in (new_id(), foreign["id"], gone["id"], workspace.project["id"])
    ]
    assert len({(one["title"], one["detail"]) for one in problems}) == 1
    for malformed in ("x", "Accessibility", foreign["id"].upper(), "%00", "$ne"):
        refused(await workspace.api.get(f"/labels/{malformed}"), 422, "validation_failed")


async def test_not_modified(workspace: Workspace) -> None:
    label = await workspace.label()
    await check_not_modified(workspace.api, f"/labels/{label['id']}")
