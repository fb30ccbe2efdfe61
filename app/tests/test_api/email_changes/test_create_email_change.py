"""Asking for another address."""

import pytest

from app.models.sessions import Session
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import stored
from app.tests.support.factories import Workspace, make_user
from app.tests.support.mails import mails_to, text_of, token_in
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me/email"


async def test_both_addresses_are_told_and_nothing_changes(workspace: Workspace, services: Services) -> None:
    user, email = workspace.users["member"], f"{new_id()}@idrc.example"
    answer = await workspace.member.at("").post(PATH, {"email": email})
    assert (answer.status_code, answer.content) == (202, b"")
    (mail,) = await mails_to(services, email)
    link = f"{services.settings.public_url}/email-changes/confirm#token={token_in(mail)}"
    assert link in text_of(mail)
    (notice,) = await mails_to(services, user.email)
    assert notice["Subject"] == "A new address was asked for"
    assert email in text_of(notice)
    assert "#token" not in text_of(notice) + text_of(notice, "html")
    kept = await stored(services, User, user.id)
    assert kept is not None
    assert kept["email"] == user.email


async def test_attack_a_taken_address_shows(workspace: Workspace, services: Services) -> None:
    other = await make_user(services)
    answer = await workspace.member.at("").post(PATH, {"email": other.email})
    assert (answer.status_code, answer.content) == (202, b"")
    (mail,) = await mails_to(services, other.email)
    assert mail["Subject"] == "This address has an account already"
    assert "#token" not in text_of(mail) + text_of(mail, "html")


async def test_it_needs_a_recent_login(workspace: Workspace, services: Services, clock: TestClock) -> None:
    email = f"{new_id()}@idrc.example"
    clock.forward(minutes=10, seconds=1)
    answer = await workspace.member.at("").post(PATH, {"email": email})
    refused(answer, 403, "reauthentication_required")
    await mails_to(services, email, 0)
    assert await services.database.collection(Session).find_one({}) is not None


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.post(PATH, {"email": "a@x.example"}), 401, "authentication_required")


async def test_what_is_no_address(workspace: Workspace) -> None:
    for email in ("nobody", "a b@x.example", "a@x.example\nBcc: b@x.example"):
        refused(await workspace.member.at("").post(PATH, {"email": email}), 422, "validation_failed")
