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
    answer = await client_of(workspace, role).get(f"/memberships/{workspace.membership_ids['admin']}")
    member = ok(answer, 200)
    assert (member["display_name"], member["role"]) == ("Colin Clark", "admin")
    assert member["user_id"] == workspace.users["admin"].id
    assert answer.headers["etag"] == f'"{member["version"]}"'


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.get(f"/memberships/{workspace.membership_ids['admin']}")

    await check_denied(services, workspace, send, STRANGERS)


async def test_somebody_who_left_is_still_known(workspace: Workspace) -> None:
    path = f"/memberships/{workspace.membership_ids['member']}"
    removed = ok(await workspace.api.delete(path))
    assert ok(await workspace.admin.get(path)) == removed


async def test_absent_foreign_and_malformed(workspace: Workspace, other_workspace: Workspace) -> None:
    for id_ in (new_id(), other_workspace.membership_ids["owner"], workspace.users["owner"].id):
        refused(await workspace.api.get(f"/memberships/{id_}"), 404, "not_found")
    for malformed in ("me", "x", "%00", workspace.membership_ids["owner"].upper()):
        refused(await workspace.api.get(f"/memberships/{malformed}"), 422, "validation_failed")


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api, f"/memberships/{workspace.membership_ids['admin']}")
