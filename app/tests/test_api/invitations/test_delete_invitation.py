"""Revoking an invitation."""

from typing import Any

import pytest

from app.models.invitations import Invitation
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import check_denied, check_preconditions, last_event, stored, unchanged
from app.tests.support.factories import Workspace
from app.tests.support.invitations import accept, invite, newcomer, token_of
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_it_is_gone(workspace: Workspace, services: Services) -> None:
    made = await invite(workspace)
    answer = await workspace.admin.delete(f"/invitations/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await stored(services, Invitation, made["id"]) is None
    assert (await last_event(services, workspace))["command"] == "invitation.delete"
    refused(await workspace.admin.delete(f"/invitations/{made['id']}"), 404, "not_found")


async def test_members_strangers_and_lower_roles_may_not(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    made, owning = await invite(workspace), await invite(workspace, role="owner")

    async def send(client: Client) -> Answer:
        return await client.delete(f"/invitations/{made['id']}")

    await check_denied(services, workspace, send)
    async with unchanged(services, workspace):
        refused(await workspace.admin.delete(f"/invitations/{owning['id']}"), 403, "permission_denied")
        for id_ in (new_id(), (await invite(other_workspace))["id"]):
            refused(await workspace.api.delete(f"/invitations/{id_}"), 404, "not_found")


async def test_an_undo_makes_the_same_link_good_again(
    workspace: Workspace, services: Services, anonymous: Client
) -> None:
    made = await invite(workspace)
    seq = (await workspace.api.delete(f"/invitations/{made['id']}")).headers["pastis-event"]
    ok(await workspace.admin.post(f"/events/{seq}/undo"))
    ok(await accept((await newcomer(services, anonymous))[1], token_of(made)))


async def test_who_may_not_give_the_role_does_not_undo_it_either(
    workspace: Workspace, services: Services
) -> None:
    made = await invite(workspace, role="owner")
    async with unchanged(services, workspace):
        answer = await workspace.admin.post(f"/events/{made['version']}/undo")
        refused(answer, 403, "permission_denied")
    seq = (await workspace.api.delete(f"/invitations/{made['id']}")).headers["pastis-event"]
    async with unchanged(services, workspace):
        refused(await workspace.admin.post(f"/events/{seq}/undo"), 403, "permission_denied")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    made = await invite(workspace)

    async def send(**options: Any) -> Answer:
        return await workspace.api.delete(f"/invitations/{made['id']}", **options)

    current = ok(await workspace.api.get(f"/invitations/{made['id']}"))
    await check_preconditions(services, workspace, send, current)
