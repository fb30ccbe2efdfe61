import pytest

from app.models.projects import Project
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    STRANGERS,
    check_denied,
    check_not_modified,
    client_of,
    stored,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_by_id_and_key(workspace: Workspace, services: Services, role: str) -> None:
    client = client_of(workspace, role)
    for ref in (workspace.project["id"], "FLUID", "fluid"):
        answer = await client.get(f"/projects/{ref}")
        assert ok(answer, 200) == workspace.project
        assert answer.headers["etag"] == f'"{workspace.project["version"]}"'
    kept = await stored(services, Project, workspace.project["id"])
    assert kept is not None
    assert kept["version"] == workspace.project["version"]


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.get("/projects/FLUID")

    await check_denied(services, workspace, send, STRANGERS)


async def test_the_same_key_elsewhere_is_another_project(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    assert ok(await other_workspace.api.get("/projects/FLUID"))["id"] == other_workspace.project["id"]
    assert ok(await workspace.api.get("/projects/FLUID"))["id"] == workspace.project["id"]


async def test_absent_foreign_and_malformed_look_alike(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    refs = (
        new_id(),
        "NOPE",
        other_workspace.project["id"],
        "%00",
        "$ne",
        "FLUID-1",
        workspace.statuses["Todo"],
    )
    problems = [refused(await workspace.api.get(f"/projects/{ref}"), 404, "not_found") for ref in refs]
    assert len({(one["title"], one["detail"]) for one in problems}) == 1
    refused(await workspace.api.get(f"/projects/{'x' * 61}"), 422, "validation_failed")


async def test_an_archived_one_can_be_read(workspace: Workspace) -> None:
    archived = ok(await workspace.api.post("/projects/FLUID/archive"))
    assert ok(await workspace.member.get("/projects/FLUID")) == archived


async def test_new_tasks_do_not_change_its_etag(workspace: Workspace) -> None:
    await workspace.task()
    assert ok(await workspace.api.get("/projects/FLUID")) == workspace.project


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api, "/projects/FLUID")
