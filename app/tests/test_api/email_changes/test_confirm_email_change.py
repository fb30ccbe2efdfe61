"""Changing the address with the link of a mail."""

from urllib.parse import quote

import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD, Workspace, make_user
from app.tests.support.mails import mailed_token, mails_to, text_of
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/api/v1/email-changes/confirm"


@pytest.fixture
def email() -> str:
    return f"{new_id()}@idrc.example"


@pytest.fixture
def user(workspace: Workspace) -> User:
    return workspace.users["member"]


@pytest.fixture
async def token(workspace: Workspace, services: Services, email: str) -> str:
    ok(await workspace.member.at("").post("/api/v1/me/email", {"email": email}), 202)
    return await mailed_token(services, email)


async def confirm(client: Client, token: str) -> Answer:
    return await client.post(PATH, {"token": token})


async def logs_in(client: Client, email: str) -> bool:
    answer = await client.post("/api/v1/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def test_the_address_changes_and_the_old_one_is_told(
    workspace: Workspace, services: Services, anonymous: Client, user: User, email: str, token: str
) -> None:
    answer = await confirm(anonymous, token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert ok(await workspace.member.at("").get("/api/v1/me"))["email"] == email
    assert await logs_in(anonymous, email)
    assert not await logs_in(anonymous, user.email)
    notice = (await mails_to(services, user.email, 2))[1]
    assert notice["Subject"] == "Your address has been changed"
    assert email in text_of(notice)


@pytest.mark.usefixtures("long_memory")
async def test_it_counts_at_once(workspace: Workspace, anonymous: Client, email: str, token: str) -> None:
    client = workspace.member.at("")
    ok(await client.get("/api/v1/me"))
    ok(await confirm(anonymous, token), 204)
    assert quote(email) in ok(await client.post("/api/v1/me/factors/totp"))["uri"]


async def test_the_link_works_once(
    workspace: Workspace, services: Services, anonymous: Client, user: User, email: str, token: str
) -> None:
    ok(await confirm(anonymous, token), 204)
    refused(await confirm(anonymous, token), 410, "invalid_link")


async def test_the_link_ends_after_a_day(anonymous: Client, clock: TestClock, token: str) -> None:
    clock.forward(hours=24, seconds=1)
    refused(await confirm(anonymous, token), 410, "invalid_link")


async def test_an_address_that_somebody_else_got_meanwhile(
    anonymous: Client, services: Services, user: User, email: str, token: str
) -> None:
    await services.users.create(email, "Heidi", "the operator's own choice")
    refused(await confirm(anonymous, token), 410, "invalid_link")
    assert await logs_in(anonymous, user.email)


async def test_attack_a_stolen_login_moves_the_account_after_the_password_changed(
    workspace: Workspace, anonymous: Client, user: User, token: str
) -> None:
    body = {"current_password": PASSWORD, "password": "another horse battery staple"}
    ok(await workspace.member.at("").request("PUT", "/api/v1/me/password", json=body), 204)
    refused(await confirm(anonymous, token), 410, "invalid_link")


async def test_of_an_account_that_was_deactivated(
    anonymous: Client, services: Services, user: User, token: str
) -> None:
    await services.accounts.deactivate(user.id)
    refused(await confirm(anonymous, token), 410, "invalid_link")


async def test_links_to_the_former_address_end(
    anonymous: Client, services: Services, user: User, email: str, token: str
) -> None:
    ok(await anonymous.post("/api/v1/password-resets", {"email": user.email}), 202)
    reset = await mailed_token(services, user.email, 2)
    ok(await confirm(anonymous, token), 204)
    body = {"token": reset, "password": "another horse battery staple"}
    refused(await anonymous.post("/api/v1/password-resets/confirm", body), 410, "invalid_link")


async def test_they_stay_ended_when_the_former_address_comes_back(
    workspace: Workspace, anonymous: Client, services: Services, user: User, token: str
) -> None:
    ok(await anonymous.post("/api/v1/password-resets", {"email": user.email}), 202)
    reset = await mailed_token(services, user.email, 2)
    ok(await confirm(anonymous, token), 204)
    ok(await workspace.member.at("").post("/api/v1/me/email", {"email": user.email}), 202)
    ok(await confirm(anonymous, await mailed_token(services, user.email, 4)), 204)
    assert await logs_in(anonymous, user.email)
    body = {"token": reset, "password": "another horse battery staple"}
    refused(await anonymous.post("/api/v1/password-resets/confirm", body), 410, "invalid_link")


async def test_attack_a_link_to_set_a_password_changes_no_address(
    anonymous: Client, services: Services, user: User, token: str
) -> None:
    """Nor is it used up by that."""
    ok(await anonymous.post("/api/v1/password-resets", {"email": user.email}), 202)
    reset = await mailed_token(services, user.email, 2)
    refused(await confirm(anonymous, reset), 410, "invalid_link")
    body = {"token": token, "password": "another horse battery staple"}
    refused(await anonymous.post("/api/v1/password-resets/confirm", body), 410, "invalid_link")
    ok(await anonymous.post("/api/v1/password-resets/confirm", {**body, "token": reset}), 204)


async def test_a_link_of_another_account_does_not_end_it(
    anonymous: Client, services: Services, email: str, token: str
) -> None:
    """Both may want the same address; the first who reads the mail gets it."""
    other = await make_user(services)
    await services.email_changes.request(other.id, email, "en")
    ok(await confirm(anonymous, token), 204)
    refused(await confirm(anonymous, await mailed_token(services, email, 2)), 410, "invalid_link")
