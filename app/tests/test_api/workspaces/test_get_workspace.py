import pytest

from app.models.workspaces import Workspace as WorkspaceModel
from app.schemas.workspaces import WorkspaceRead
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
BASE = "/api/v1/workspaces"


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_by_id_and_slug(workspace: Workspace, services: Services, role: str) -> None:
    client = client_of(workspace, role).at(BASE)
    shown = [ok(await client.get(f"/{ref}"), 200) for ref in (workspace.id, workspace.slug)]
    assert shown[0] == shown[1]
    assert set(shown[0]) == set(WorkspaceRead.model_fields)
    kept = await stored(services, WorkspaceModel, workspace.id)
    assert kept is not None
    assert (shown[0]["name"], shown[0]["version"]) == (kept["name"], kept["version"])


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.get("")

    await check_denied(services, workspace, send, STRANGERS)


async def test_absent_foreign_and_malformed_look_alike(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    client = workspace.api.at(BASE)
    refs = (
        new_id(),
        "nowhere",
        other_workspace.id,
        other_workspace.slug,
        "%00",
        "$ne",
        workspace.slug.upper(),
    )
    problems = [refused(await client.get(f"/{ref}"), 404, "not_found") for ref in refs]
    assert len({(one["title"], one["detail"]) for one in problems}) == 1
    refused(await client.get(f"/{'x' * 61}"), 422, "validation_failed")


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api, "")


@pytest.mark.usefixtures("long_memory")
async def test_a_removed_member_is_out_at_once(workspace: Workspace) -> None:
    ok(await workspace.member.get(""))
    ok(await workspace.api.delete(f"/memberships/{workspace.membership_ids['member']}"))
    for path in ("", "/labels", "/memberships", "/projects/FLUID", "/tasks"):
        refused(await workspace.member.get(path), 404, "not_found")
    refused(await workspace.member.post("/labels", {"name": "Late"}), 404, "not_found")
    ok(await workspace.member.at("").get("/api/v1/me"))
