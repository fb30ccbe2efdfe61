"""Registering with an invitation, in each mode of registration."""

from typing import Any

import pytest

from app.core.config import Registration
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace, log_in
from app.tests.support.invitations import accept, invite, link, token_of
from app.tests.support.mails import mailed_token, mails_to, text_of
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/api/v1/registrations"
CLOSED, INVITATION, OPEN = Registration.CLOSED, Registration.INVITATION, Registration.OPEN
ALL = pytest.mark.parametrize("mode", [CLOSED, INVITATION, OPEN])


@pytest.fixture
def mode() -> Registration:
    return INVITATION


@pytest.fixture(autouse=True)
def _in_mode(services: Services, monkeypatch: pytest.MonkeyPatch, mode: Registration) -> None:
    set_mode(services, monkeypatch, mode)


def set_mode(services: Services, monkeypatch: pytest.MonkeyPatch, mode: Registration) -> None:
    settings = services.settings.model_copy(update={"registration": mode})
    for engine in (services.registrations, services.issues):
        monkeypatch.setattr(engine, "_settings", settings)


@pytest.fixture
def email() -> str:
    return f"{new_id()}@fluid.example"


async def confirm(client: Client, token: str) -> Answer:
    body = {"token": token, "display_name": "Heidi Hazelton", "password": "staple correct horse"}
    return await client.post(f"{PATH}/confirm", body)


async def check_nobody(services: Services, email: str) -> None:
    assert await services.users.find_by_email(email) is None


@ALL
async def test_without_an_invitation(
    anonymous: Client, services: Services, email: str, mode: Registration
) -> None:
    answer = await anonymous.post(PATH, {"email": email})
    if mode is OPEN:
        ok(answer, 202)
        ok(await confirm(anonymous, await mailed_token(services, email)), 200)
        return
    problem = refused(answer, 403, "registration_closed")
    assert ("ask for an invitation" in problem["detail"]) is (mode is INVITATION)
    await mails_to(services, email, 0)


@ALL
async def test_the_mail_that_invites_promises_an_account_only_where_it_makes_one(
    workspace: Workspace, services: Services, email: str, mode: Registration
) -> None:
    await invite(workspace, email=email)
    (mail,) = await mails_to(services, email)
    text = text_of(mail)
    assert ("you can make one with it" in text) is (mode is not CLOSED)
    assert ("ask whoever runs this server for one" in text) is (mode is CLOSED)


@ALL
async def test_the_mail_that_invites_proves_the_address(
    workspace: Workspace, anonymous: Client, services: Services, email: str, mode: Registration
) -> None:
    await invite(workspace, email=email, role="admin")
    token = await mailed_token(services, email)
    answer = await confirm(anonymous, token)
    if mode is CLOSED:
        refused(answer, 403, "registration_closed")
        return await check_nobody(services, email)
    client = anonymous.as_(ok(answer, 200)["access_token"])
    assert ok(await client.get("/api/v1/me"))["email"] == email
    assert ok(await accept(client, token))["role"] == "admin"
    refused(await confirm(anonymous, token), 410, "invalid_link")
    return None


@ALL
async def test_a_link_lets_register_whoever_reads_the_mail_that_follows(
    workspace: Workspace, anonymous: Client, services: Services, email: str, mode: Registration
) -> None:
    token = await link(workspace)
    answer = await anonymous.post(PATH, {"email": email, "invitation": token})
    if mode is CLOSED:
        refused(answer, 403, "registration_closed")
        return
    ok(answer, 202)
    client = anonymous.as_(ok(await confirm(anonymous, await mailed_token(services, email)))["access_token"])
    ok(await accept(client, token))


async def test_attack_an_address_is_squatted_with_a_link(
    workspace: Workspace, anonymous: Client, services: Services, email: str
) -> None:
    """A link, which anybody may have, proves no address; and the one that does is in the mail alone."""
    token = await link(workspace)
    refused(await confirm(anonymous, token), 410, "invalid_link")
    answer = await workspace.api.post("/invitations", {"email": email})
    mailed = await mailed_token(services, email)
    seen = (
        answer.text
        + (await workspace.api.get("/invitations")).text
        + (await workspace.api.get("/events")).text
    )
    assert mailed not in seen
    await check_nobody(services, email)


async def test_a_mailed_invitation_is_for_no_other_address(
    workspace: Workspace, anonymous: Client, services: Services, email: str
) -> None:
    await invite(workspace, email=email)
    token = await mailed_token(services, email)
    other = f"{new_id()}@fluid.example"
    answer = await anonymous.post(PATH, {"email": other, "invitation": token})
    refused(answer, 403, "wrong_account")
    await mails_to(services, other, 0)


@pytest.mark.parametrize("way", ["expired", "revoked", "used", "replaced", "made up"])
async def test_a_dead_invitation_lets_nobody_register(
    workspace: Workspace, anonymous: Client, services: Services, clock: TestClock, email: str, way: str
) -> None:
    made, open_ = await invite(workspace, email=email), await invite(workspace, max_uses=1)
    tokens = [await mailed_token(services, email), token_of(open_)]
    match way:
        case "expired":
            clock.forward(days=7, seconds=1)
        case "revoked":
            for one in (made, open_):
                ok(await workspace.api.delete(f"/invitations/{one['id']}"), 204)
        case "used":
            stranger = workspace.api.as_(await log_in(services, workspace.users["stranger"]))
            ok(await accept(stranger, tokens[1]))
            tokens = tokens[1:]
        case "replaced":
            ok(await workspace.api.post(f"/invitations/{made['id']}/resend"))
            tokens = tokens[:1]
        case _:
            tokens = ["A" * 43]
    for token in tokens:
        answer = await anonymous.post(PATH, {"email": email, "invitation": token})
        refused(answer, 410, "invalid_link")
        refused(await confirm(anonymous, token), 410, "invalid_link")
    await check_nobody(services, email)


async def test_a_mode_counts_for_links_that_were_sent_before(
    workspace: Workspace,
    anonymous: Client,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    email: str,
) -> None:
    set_mode(services, monkeypatch, OPEN)
    ok(await anonymous.post(PATH, {"email": email}), 202)
    token = await mailed_token(services, email)
    for mode in (INVITATION, CLOSED):
        set_mode(services, monkeypatch, mode)
        refused(await confirm(anonymous, token), 403, "registration_closed")
    await check_nobody(services, email)


async def test_who_has_an_account_is_told_so_by_mail_alone(
    workspace: Workspace, anonymous: Client, services: Services
) -> None:
    token = await link(workspace)
    user = workspace.users["stranger"]
    answers: list[Any] = [
        ok(await anonymous.post(PATH, {"email": one, "invitation": token}), 202)
        for one in (user.email, f"{new_id()}@fluid.example")
    ]
    assert answers == [None, None]
    (mail,) = await mails_to(services, user.email)
    assert mail["Subject"] == "This address has an account already"
