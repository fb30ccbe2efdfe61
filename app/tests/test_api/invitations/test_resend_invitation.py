"""Mailing an invitation again."""

import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import check_denied, last_event, unchanged
from app.tests.support.factories import Workspace, log_in
from app.tests.support.invitations import accept, invite, newcomer, preview
from app.tests.support.mails import mailed_token, mails_to
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_the_new_link_works_and_the_former_does_not(
    workspace: Workspace, services: Services, anonymous: Client
) -> None:
    user, client = await newcomer(services, anonymous)
    made = await invite(workspace, email=user.email)
    former = await mailed_token(services, user.email)
    answer = await workspace.admin.post(f"/invitations/{made['id']}/resend")
    sent = ok(answer, 200)
    assert sent == {name: sent.get(name, value) for name, value in made.items() if name != "link"}
    assert (sent["email"], sent["expires_at"]) == (user.email, made["expires_at"])
    assert sent["sent_at"] > made["sent_at"]
    assert (await last_event(services, workspace))["command"] == "invitation.resend"
    token = await mailed_token(services, user.email, 2)
    for attempt in (preview(anonymous, former), accept(client, former)):
        refused(await attempt, 410, "invalid_link")
    ok(await accept(client, token))


async def test_sent_again_with_a_key_it_mails_once(workspace: Workspace, services: Services) -> None:
    email, headers = f"{new_id()}@fluid.example", {"Idempotency-Key": "again"}
    path = f"/invitations/{(await invite(workspace, email=email))['id']}/resend"
    first = ok(await workspace.api.post(path, headers=headers))
    assert ok(await workspace.api.post(path, headers=headers)) == first
    await mails_to(services, email, 2)
    ok(await workspace.api.post(f"{path}?dry_run=true"))
    await mails_to(services, email, 2)


async def test_only_what_was_mailed_and_lives(
    workspace: Workspace, services: Services, anonymous: Client, clock: TestClock
) -> None:
    user, client = await newcomer(services, anonymous)
    link, used = await invite(workspace), await invite(workspace, email=user.email)
    old = await invite(workspace, email=f"{new_id()}@fluid.example", expires_in_days=1)
    ok(await accept(client, await mailed_token(services, user.email)))
    clock.forward(days=1, seconds=1)
    api = workspace.api.as_(await log_in(services, workspace.users["owner"])).at(workspace.api.base)
    async with unchanged(services, workspace):
        for one in (link, used, old):
            problem = refused(await api.post(f"/invitations/{one['id']}/resend"), 409, "wrong_state")
            assert problem["detail"] != "Its state does not allow this."


async def test_members_strangers_and_lower_roles_may_not(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    made = await invite(workspace, email=f"{new_id()}@fluid.example")
    owning = await invite(workspace, email=f"{new_id()}@fluid.example", role="owner")

    async def send(client: Client) -> Answer:
        return await client.post(f"/invitations/{made['id']}/resend")

    await check_denied(services, workspace, send)
    foreign = await invite(other_workspace, email=f"{new_id()}@fluid.example")
    async with unchanged(services, workspace, other_workspace):
        refused(await workspace.admin.post(f"/invitations/{owning['id']}/resend"), 403, "permission_denied")
        refused(await workspace.api.post(f"/invitations/{foreign['id']}/resend"), 404, "not_found")


async def test_what_a_precondition_refuses_counts_as_no_mail(workspace: Workspace) -> None:
    made = await invite(workspace, email=f"{new_id()}@fluid.example")
    path = f"/invitations/{made['id']}/resend"
    for _ in range(6):
        refused(await workspace.api.post(path, headers={"If-Match": '"0"'}), 412, "precondition_failed")
    ok(await workspace.api.post(path, headers={"If-Match": f'"{made["version"]}"'}))


async def test_attack_who_tries_a_foreign_invitation_spends_no_mails_of_its_address(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    made = await invite(other_workspace, email=f"{new_id()}@fluid.example")
    path = f"/invitations/{made['id']}/resend"
    for _ in range(6):
        refused(await workspace.api.post(path), 404, "not_found")
    ok(await other_workspace.api.post(path))


async def test_an_address_gets_few_mails(workspace: Workspace, services: Services) -> None:
    email = f"{new_id()}@fluid.example"
    path = f"/invitations/{(await invite(workspace, email=email))['id']}/resend"
    for _ in range(4):
        ok(await workspace.api.post(path))
    async with unchanged(services, workspace):
        refused(await workspace.api.post(path), 429, "too_many_requests")
    await mails_to(services, email, 5)
