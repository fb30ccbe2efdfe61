"""Setting a password with the link of a mail."""

import asyncio
from pathlib import Path

import pytest

from app.core import logging
from app.core.security import token_hash
from app.models.users import User
from app.services.bootstrap import Services
from app.services.users import queries as user_queries
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import kept_since
from app.tests.support.factories import PASSWORD, log_in, make_user
from app.tests.support.logs import logging_of_its_own
from app.tests.support.mails import mailed_token, mails_to

pytestmark = pytest.mark.anyio
PATH = "/api/v1/password-resets/confirm"
NEW = "another horse battery staple"


@pytest.fixture
async def user(services: Services) -> User:
    return await make_user(services)


@pytest.fixture
async def token(anonymous: Client, services: Services, user: User) -> str:
    return await reset(anonymous, services, user, 1)


async def reset(client: Client, services: Services, user: User, count: int) -> str:
    """The token of a new link; it is in the last of so many mails."""
    ok(await client.post("/api/v1/password-resets", {"email": user.email}), 202)
    return await mailed_token(services, user.email, count)


async def confirm(client: Client, token: str, password: str = NEW) -> Answer:
    return await client.post(PATH, {"token": token, "password": password})


async def can_log_in(client: Client, user: User, password: str) -> bool:
    answer = await client.post("/api/v1/auth/login", {"email": user.email, "password": password})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def test_the_password_is_set_and_all_logins_end(
    anonymous: Client, services: Services, user: User, token: str
) -> None:
    access = await log_in(services, user)
    ok(await anonymous.as_(access).get("/api/v1/me"))
    answer = await confirm(anonymous, token)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await anonymous.as_(access).get("/api/v1/me"), 401, "invalid_token")
    assert await can_log_in(anonymous, user, NEW)
    assert not await can_log_in(anonymous, user, PASSWORD)
    assert (await mails_to(services, user.email, 2))[1]["Subject"] == "Your password has been changed"


async def test_attack_a_reset_token_is_used_again(anonymous: Client, user: User, token: str) -> None:
    ok(await confirm(anonymous, token), 204)
    refused(await confirm(anonymous, token, "the attacker's own choice"), 410, "invalid_link")
    assert await can_log_in(anonymous, user, NEW)


async def test_of_many_at_once_one_sets_it(anonymous: Client, token: str) -> None:
    answers = await asyncio.gather(*(confirm(anonymous, token, f"{NEW} {n}") for n in range(5)))
    assert sorted(one.status_code for one in answers) == [204, 410, 410, 410, 410]


async def test_a_newer_link_ends_the_former(
    anonymous: Client, services: Services, user: User, token: str
) -> None:
    newer = await reset(anonymous, services, user, 2)
    refused(await confirm(anonymous, token), 410, "invalid_link")
    ok(await confirm(anonymous, newer), 204)


async def test_the_link_ends_after_an_hour(anonymous: Client, clock: TestClock, token: str) -> None:
    clock.forward(minutes=60, seconds=1)
    refused(await confirm(anonymous, token), 410, "invalid_link")


@pytest.mark.parametrize("password", ["too short", "PasswordPassword", "abcabcabcabcabcabc"])
async def test_a_password_that_is_refused_leaves_the_link_good(
    anonymous: Client, user: User, token: str, password: str
) -> None:
    refused(await confirm(anonymous, token, password), 422, "validation_failed")
    assert await can_log_in(anonymous, user, PASSWORD)
    ok(await confirm(anonymous, token), 204)


async def test_the_own_address_is_no_password(anonymous: Client, user: User, token: str) -> None:
    problem = refused(await confirm(anonymous, token, user.email), 422, "validation_failed")
    assert [one["code"] for one in problem["errors"]] == ["common_password"]
    ok(await confirm(anonymous, token), 204)


async def test_of_an_account_that_was_deactivated(
    anonymous: Client, services: Services, user: User, token: str
) -> None:
    await services.accounts.deactivate(user.id)
    refused(await confirm(anonymous, token), 410, "invalid_link")


async def test_of_an_address_that_is_nobodys_any_more(
    anonymous: Client, services: Services, user: User, token: str
) -> None:
    await user_queries.update(services.database, user.id, {"email": f"new-{user.email}"})
    refused(await confirm(anonymous, token), 410, "invalid_link")


async def test_of_an_address_that_is_anothers_now(
    anonymous: Client, services: Services, user: User, token: str
) -> None:
    other = await make_user(services, "Colin Clark")
    await user_queries.update(services.database, user.id, {"email": f"new-{user.email}"})
    await user_queries.update(services.database, other.id, {"email": user.email})
    refused(await confirm(anonymous, token), 410, "invalid_link")
    assert await services.users.find_by_email(user.email) == await services.users.get(other.id)


async def test_a_changed_password_ends_links_that_wait(
    anonymous: Client, services: Services, user: User, token: str
) -> None:
    """Whoever asked for one may not be the owner."""
    client = anonymous.as_(await log_in(services, user))
    body = {"current_password": PASSWORD, "password": NEW}
    ok(await client.request("PUT", "/api/v1/me/password", json=body), 204)
    refused(await confirm(anonymous, token, "the attacker's own choice"), 410, "invalid_link")


async def test_attack_a_reset_token_is_plain_at_rest(
    services: Services, user: User, anonymous: Client, token: str
) -> None:
    kept = "".join([text async for _, text in kept_since(services, user.id)])
    assert token_hash(token) in kept
    assert token not in kept


async def test_attack_a_reset_token_is_logged(
    anonymous: Client, services: Services, user: User, tmp_path: Path
) -> None:
    log = tmp_path / "pastis.log"
    with logging_of_its_own():
        logging.configure(services.settings.model_copy(update={"log_file": log, "log_level": "DEBUG"}))
        token = await reset(anonymous, services, user, 1)
        ok(await confirm(anonymous, token), 204)
        refused(await confirm(anonymous, token), 410, "invalid_link")
        await mails_to(services, user.email, 2)
    written = log.read_text()
    assert "/api/v1/password-resets/confirm" in written
    for secret in (token, token_hash(token), NEW, user.email):
        assert secret not in written
