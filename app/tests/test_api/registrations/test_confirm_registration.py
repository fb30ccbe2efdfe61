"""Making an account with the link of a mail."""

import asyncio
from typing import Any

import pytest

from app.models.confirmations import Purpose
from app.models.sessions import Session
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import make_user
from app.tests.support.mails import mailed_token
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/api/v1/registrations/confirm"
PASSWORD = "staple correct horse"


@pytest.fixture
def email() -> str:
    return f"{new_id()}@fluid.example"


@pytest.fixture
async def token(anonymous: Client, services: Services, email: str) -> str:
    ok(await anonymous.post("/api/v1/registrations", {"email": email}), 202)
    return await mailed_token(services, email)


async def confirm(client: Client, token: str, **members: Any) -> Answer:
    body = {"token": token, "display_name": "Heidi Hazelton", "password": PASSWORD, **members}
    return await client.post(PATH, body)


async def test_the_account_is_made_and_logged_in(
    anonymous: Client, services: Services, email: str, token: str
) -> None:
    answer = await confirm(anonymous, token, time_zone="America/Toronto", locale="fr")
    tokens = ok(answer, 200)
    assert answer.headers["cache-control"] == "no-store"
    me = ok(await anonymous.as_(tokens["access_token"]).get("/api/v1/me"))
    assert (me["email"], me["display_name"]) == (email, "Heidi Hazelton")
    assert (me["time_zone"], me["locale"], me["avatar_version"]) == ("America/Toronto", "fr", None)
    ok(await anonymous.post("/api/v1/auth/login", {"email": email, "password": PASSWORD}), 200)


async def test_the_link_works_once(anonymous: Client, services: Services, email: str, token: str) -> None:
    ok(await confirm(anonymous, token), 200)
    refused(await confirm(anonymous, token, password="another horse battery"), 410, "invalid_link")
    refused(
        await anonymous.post("/api/v1/auth/login", {"email": email, "password": "another horse battery"}),
        401,
        "invalid_credentials",
    )


async def test_of_many_at_once_one_makes_the_account(
    anonymous: Client, services: Services, email: str, token: str
) -> None:
    answers = await asyncio.gather(*(confirm(anonymous, token) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [200, 410, 410, 410, 410]
    user = await services.users.find_by_email(email)
    assert user is not None
    assert await services.database.collection(Session).count_documents({"user_id": user.id}) == 1


async def test_the_link_ends_after_a_day(anonymous: Client, clock: TestClock, token: str) -> None:
    clock.forward(hours=24, seconds=1)
    refused(await confirm(anonymous, token), 410, "invalid_link")


async def test_a_newer_link_ends_the_former(
    anonymous: Client, services: Services, email: str, token: str
) -> None:
    ok(await anonymous.post("/api/v1/registrations", {"email": email}), 202)
    newer = await mailed_token(services, email, 2)
    refused(await confirm(anonymous, token), 410, "invalid_link")
    ok(await confirm(anonymous, newer), 200)


async def test_a_link_of_another_kind(anonymous: Client, services: Services) -> None:
    user = await make_user(services)
    link = await services.confirmations.make(Purpose.PASSWORD_RESET, user.email, user.email, user.id)
    reset = link.partition("#token=")[2]
    refused(await confirm(anonymous, reset), 410, "invalid_link")
    body = {"token": reset, "password": "what it is for: another password"}
    ok(await anonymous.post("/api/v1/password-resets/confirm", body), 204)


async def test_an_address_that_got_an_account_meanwhile(
    anonymous: Client, services: Services, email: str, token: str
) -> None:
    await services.users.create(email, "Heidi", "the operator's own choice")
    refused(await confirm(anonymous, token), 410, "invalid_link")
    body = {"email": email, "password": PASSWORD}
    refused(await anonymous.post("/api/v1/auth/login", body), 401, "invalid_credentials")


@pytest.mark.parametrize(
    ("members", "pointer", "code"),
    [
        ({"password": "x" * 14}, "/password", "too_short"),
        ({"password": "passwordpassword"}, "/password", "common_password"),
        ({"password": "aaaaaaaaaaaaaaaaaaaa"}, "/password", "common_password"),
        ({"password": "x" * 129}, "/password", "too_long"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone", "invalid_choice"),
        ({"time_zone": "../etc/passwd"}, "/time_zone", "invalid_format"),
        ({"locale": "de"}, "/locale", "invalid_choice"),
        ({"display_name": " "}, "/display_name", "blank"),
        ({"email": "other@fluid.example"}, "/email", "unknown_field"),
    ],
    ids=str,
)
async def test_what_is_refused_leaves_the_link_good(
    anonymous: Client, token: str, members: dict[str, Any], pointer: str, code: str
) -> None:
    problem = refused(await confirm(anonymous, token, **members), 422, "validation_failed")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(pointer, code)]
    ok(await confirm(anonymous, token), 200)


async def test_the_own_address_is_no_password(anonymous: Client, email: str, token: str) -> None:
    problem = refused(await confirm(anonymous, token, password=email), 422, "validation_failed")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/password", "common_password")]
    ok(await confirm(anonymous, token), 200)


async def test_attack_an_address_is_squatted(anonymous: Client, services: Services, email: str) -> None:
    """Without the mail nobody makes an account, and the owner of the address still can."""
    ok(await anonymous.post("/api/v1/registrations", {"email": email}), 202)  # the attacker
    for guess in ("", "x", "A" * 43):
        answer = await confirm(anonymous, guess)
        assert answer.status_code in (410, 422)
    assert await services.users.find_by_email(email) is None
    ok(await anonymous.post("/api/v1/registrations", {"email": email}), 202)
    ok(await confirm(anonymous, await mailed_token(services, email, 2)), 200)
