from typing import Any

import pytest

from app.models.projects import Project
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_preconditions,
    client_of,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/projects/FLUID/unarchive"


@pytest.fixture
async def archived(workspace: Workspace) -> dict[str, Any]:
    project: dict[str, Any] = ok(await workspace.api.post("/projects/FLUID/archive"))
    return project


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_admins_take_a_project_back(
    workspace: Workspace, services: Services, archived: dict[str, Any], role: str
) -> None:
    back = ok(await client_of(workspace, role).post(PATH), 200)
    stamps = {name: back[name] for name in ("version", "updated_at")}
    assert back == archived | stamps | {"archived_at": None}
    assert back["version"] > archived["version"]
    assert ok(await workspace.member.get("/projects"))["items"] == [back]
    kept = await stored(services, Project, back["id"])
    assert kept is not None
    assert kept["archived_at"] is None
    ok(await workspace.member.post("/tasks", {"project_id": "FLUID", "title": "Again"}), 201)


async def test_members_and_strangers_do_not(
    workspace: Workspace, services: Services, archived: dict[str, Any]
) -> None:
    async def send(client: Client) -> Answer:
        return await client.post(PATH)

    await check_denied(services, workspace, send)


async def test_one_that_is_not_archived(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        assert ok(await workspace.api.post(PATH), 200) == workspace.project


async def test_absent_and_foreign(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    ok(await other_workspace.api.post("/projects/FLUID/archive"))
    async with unchanged(services, workspace, other_workspace):
        for ref in (new_id(), "NOPE", other_workspace.project["id"]):
            refused(await workspace.api.post(f"/projects/{ref}/unarchive"), 404, "not_found")


async def test_preconditions(workspace: Workspace, services: Services, archived: dict[str, Any]) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post(PATH, **options)

    await check_preconditions(services, workspace, send, archived)


async def test_dry_run(workspace: Workspace, services: Services, archived: dict[str, Any]) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post(PATH, **options)

    await check_dry_run(services, workspace, send)
