"""Guessing over HTTP: what hit comparable systems, as docs/security.md names it, tried here."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from app.models.users import User
from app.services.bootstrap import Services
from app.services.limits import Purpose
from app.services.limits.rules import LIMITS
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.factories import PASSWORD, log_in
from app.tests.support.factors import challenge, confirm, enable_totp
from app.tests.test_api.auth.logins import coming_from
from app.tests.test_api.core.routes import OPERATIONS

pytestmark = pytest.mark.anyio
LOGIN = "/api/v1/auth/login"
Guess = Callable[[Client, User], Awaitable[Answer]]


async def guess_login(client: Client, user: User) -> Answer:
    return await client.as_(None).post(LOGIN, {"email": user.email, "password": "wrong"})


async def guess_token(client: Client, user: User) -> Answer:
    data = {"username": user.email, "password": "wrong"}
    return await client.as_(None).request("POST", "/api/v1/auth/token", data=data)


async def guess_reauthentication(client: Client, user: User) -> Answer:
    return await client.post("/api/v1/auth/reauthenticate", {"password": "wrong"})


async def guess_password(client: Client, user: User) -> Answer:
    body = {"current_password": "wrong", "password": "staple correct horse"}
    return await client.request("PUT", "/api/v1/me/password", json=body)


async def guess_factor(client: Client, user: User) -> Answer:
    """Each with a challenge of its own, which allows few attempts anyway."""
    return await confirm(client, await challenge(client, user), totp="000000")


VERIFIERS: dict[str, tuple[Guess, Purpose]] = {
    "confirm_login": (guess_factor, Purpose.FACTOR),
    "create_login": (guess_login, Purpose.LOGIN),
    "create_reauthentication": (guess_reauthentication, Purpose.REAUTHENTICATION),
    "create_token": (guess_token, Purpose.LOGIN),
    "update_password": (guess_password, Purpose.PASSWORD_CHANGE),
}
A_MAIL = "a token of 256 bits from a mail cannot be guessed, and the password is a new one"
THE_PROVIDER = "the provider gives its code, and only to a browser that has begun here"
A_NEW_ONE = "the password is a new one"
ELSEWHERE = {
    "confirm_password_reset": A_MAIL,
    "confirm_registration": A_MAIL,
    "create_link": A_NEW_ONE,
    "create_visit": "a link's password, in test_api/links/test_create_visit.py",
    "update_link": A_NEW_ONE,
    "confirm_totp": "whoever confirms has just been shown the secret",
    "finish_identity": THE_PROVIDER,
    "finish_oidc_login": THE_PROVIDER,
}
PROOFS = {"challenge", "code", "current_password", "password", "recovery_code", "totp"}
"""Members of bodies by which somebody proves something, and so could guess."""


@pytest.fixture
async def me(anonymous: Client, services: Services, user: User) -> Client:
    return anonymous.as_(await log_in(services, user))


@pytest.mark.parametrize("name", VERIFIERS)
async def test_every_verifier_is_throttled(name: str, me: Client, user: User, services: Services) -> None:
    """OpenProject CVE-2026-22603: passwords could be tried without end beside the login."""
    guess, purpose = VERIFIERS[name]
    if purpose is Purpose.FACTOR:
        await enable_totp(me, services)
    free = int(LIMITS[purpose][0].rate.capacity)
    for _ in range(free):
        code = "invalid_factor" if purpose is Purpose.FACTOR else "invalid_credentials"
        refused(await guess(me, user), 401, code)
    answer = await guess(me, user)
    refused(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_no_verifier_is_left_out() -> None:
    """Who takes a proof stands in the table above, or the test of all verifiers is for nothing."""
    takes_proof = {
        one.id
        for one in OPERATIONS
        if one.media_type is not None and PROOFS & set(one.body_schema.get("properties", ()))
    }
    assert takes_proof == set(VERIFIERS) | set(ELSEWHERE)


async def request_reset(client: Client, user: User) -> Answer:
    return await client.as_(None).post("/api/v1/password-resets", {"email": user.email})


async def request_registration(client: Client, user: User) -> Answer:
    return await client.as_(None).post("/api/v1/registrations", {"email": user.email})


async def request_change(client: Client, user: User) -> Answer:
    return await client.post("/api/v1/me/email", {"email": f"new-{user.email}"})


MAILS = {
    "create_email_change": (request_change, Purpose.EMAIL_CHANGE),
    "create_password_reset": (request_reset, Purpose.PASSWORD_RESET),
    "create_registration": (request_registration, Purpose.REGISTRATION),
}


@pytest.mark.parametrize("name", MAILS)
async def test_nobody_is_flooded_with_mails(name: str, me: Client, user: User) -> None:
    request, purpose = MAILS[name]
    for _ in range(int(LIMITS[purpose][0].rate.capacity)):
        ok(await request(me, user))
    refused(await request(me, user), 429, "too_many_requests")


async def test_the_right_password_is_refused_too_while_the_wait_lasts(me: Client, user: User) -> None:
    await exhaust(me, user)
    body = {"email": user.email, "password": PASSWORD}
    refused(await me.as_(None).post(LOGIN, body), 429, "too_many_requests")
    refused(
        await me.as_(None).request(
            "POST", "/api/v1/auth/token", data={"username": user.email, "password": PASSWORD}
        ),
        429,
        "too_many_requests",
    )


async def exhaust(client: Client, user: User) -> int:
    """How many wrong passwords are heard."""
    for count in range(200):
        if (await guess_login(client, user)).status_code == 429:
            return count
    raise AssertionError("there is no end to it")


async def test_failures_outlive_the_failing_login(me: Client, user: User, services: Services) -> None:
    """Vikunja GHSA-fgfv-pv97-6cmj: the counter was rolled back with the login that failed."""
    free = int(LIMITS[Purpose.LOGIN][0].rate.capacity)
    for _ in range(free - 1):
        await guess_login(me, user)
    ok(await me.as_(None).post(LOGIN, {"email": user.email, "password": PASSWORD}))
    refused(await guess_login(me, user), 401, "invalid_credentials")
    refused(await guess_login(me, user), 429, "too_many_requests")


async def test_an_attacker_does_not_lock_out_the_victim(app: FastAPI, user: User) -> None:
    """WeKan JamBleed: whoever failed often enough kept the account's owner out."""
    async with coming_from(app, "192.0.2.66") as attacker, coming_from(app, "198.51.100.1") as victim:
        await exhaust(attacker, user)
        ok(await victim.post(LOGIN, {"email": user.email, "password": PASSWORD}))


async def test_a_device_that_the_account_knows_is_never_locked_out(app: FastAPI, user: User) -> None:
    """Neither by attackers beside it nor by those from everywhere."""
    body = {"email": user.email, "password": PASSWORD}
    async with coming_from(app, "192.0.2.77") as beside:
        device = ok(await beside.post(LOGIN, body))["device_token"]
        await exhaust(beside, user)
        refused(await beside.post(LOGIN, body), 429, "too_many_requests")
        again = ok(await beside.post(LOGIN, {**body, "device_token": device}))
        assert again["device_token"] == device
        refused(await beside.post(LOGIN, {**body, "device_token": "x" + device}), 429, "too_many_requests")


async def test_a_browser_is_known_by_a_cookie(app: FastAPI, user: User) -> None:
    body = {"email": user.email, "password": PASSWORD, "cookies": True}
    headers = {"Origin": "http://pastis.test", "Pastis-Client": "web"}
    async with coming_from(app, "192.0.2.78") as browser, coming_from(app, "192.0.2.78") as attacker:
        first = await browser.post(LOGIN, body, headers=headers)
        assert "device_token" not in ok(first)
        cookie = next(one for one in first.headers.get_list("set-cookie") if "pastis_device" in one)
        assert "HttpOnly" in cookie
        assert "Max-Age=34560000" in cookie
        await exhaust(attacker, user)
        refused(await attacker.post(LOGIN, body, headers=headers), 429, "too_many_requests")
        ok(await browser.post(LOGIN, body, headers=headers))


async def test_known_and_unknown_accounts_are_throttled_alike(anonymous: Client, user: User) -> None:
    async def attempts(email: str) -> list[dict[str, Any]]:
        found = []
        for _ in range(12):
            answer = await anonymous.post(LOGIN, {"email": email, "password": "wrong"})
            found.append({**answer.json(), "request_id": ""})
        return found

    assert await attempts(user.email) == await attempts("nobody-at-all@fluid.example")


async def test_a_forged_forwarding_header_is_no_new_network(me: Client, user: User) -> None:
    await exhaust(me, user)
    for number in range(5):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        answer = await me.as_(None).post(LOGIN, {"email": user.email, "password": "wrong"}, headers=headers)
        refused(answer, 429, "too_many_requests")


async def test_malformed_attempts_cost_nothing(me: Client, user: User) -> None:
    for _ in range(20):
        refused(await me.as_(None).post(LOGIN, {"email": user.email}), 422, "validation_failed")
    refused(await guess_login(me, user), 401, "invalid_credentials")
