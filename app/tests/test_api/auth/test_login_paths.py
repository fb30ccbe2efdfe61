"""Every way to log in, to an account with a second factor: none leads past it."""

import ast
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.documents import Doc
from app.core.errors import STATUS, ErrorCode
from app.models.confirmations import Purpose
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD
from app.tests.support.factors import (
    LOGIN,
    add_passkey,
    challenge,
    code,
    confirm,
    enable_totp,
    logins,
    use_passkey,
)
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.core.routes import OPERATIONS
from app.tests.test_api.identities.browser import LINK, Browser, somebody

pytestmark = pytest.mark.anyio
APP = Path(__file__).parents[3]
AUTH = "/api/v1/auth"


@dataclass
class Victim:
    """Somebody with an app and a passkey, whose password is known to all."""

    services: Services
    client: Client
    user: User
    secret: str
    passkey: Authenticator
    browser: Browser
    claims: Doc
    """What a provider proves of them."""


@pytest.fixture
async def victim(
    own: Client, services: Services, user: User, clock: TestClock, provider: OpenIdProvider
) -> Victim:
    claims = somebody()
    ok(await Browser(own, provider, LINK).log_in(**claims), 200)
    passkey = Authenticator()
    await add_passkey(own, passkey)
    secret, _ = await enable_totp(own, services)
    clock.forward(minutes=2)  # its present codes have not been used
    outside = own.as_(None)
    return Victim(services, outside, user, secret, passkey, Browser(outside, provider), claims)


async def _login(victim: Victim) -> Answer:
    return await victim.client.post(LOGIN, {"email": victim.user.email, "password": PASSWORD})


async def _token(victim: Victim) -> Answer:
    form = {"username": victim.user.email, "password": PASSWORD}
    return await victim.client.post(f"{AUTH}/token", data=form)


async def _token_with_the_code_behind_the_password(victim: Victim) -> Answer:
    password = PASSWORD + code(victim.services, victim.secret)
    form = {"username": victim.user.email, "password": password}
    return await victim.client.post(f"{AUTH}/token", data=form)


async def _confirm(victim: Victim) -> Answer:
    token = await challenge(victim.client, victim.user)
    return await confirm(victim.client, token, totp=code(victim.services, victim.secret))


async def _confirm_with_a_guess(victim: Victim) -> Answer:
    token = await challenge(victim.client, victim.user)
    return await confirm(victim.client, token, totp=code(victim.services, victim.secret, 99))


async def _passkey(victim: Victim) -> Answer:
    credential = await use_passkey(victim.client, victim.passkey)
    return await victim.client.post(f"{AUTH}/passkeys", {"credential": credential})


async def _passkey_of_a_device_left_unlocked(victim: Victim) -> Answer:
    victim.passkey.verifies = False
    return await _passkey(victim)


async def _oidc(victim: Victim) -> Answer:
    return await victim.browser.log_in(**victim.claims)


async def _oidc_with_a_factor_there(victim: Victim) -> Answer:
    return await victim.browser.log_in(**victim.claims, amr=["pwd", "otp"])


async def _refresh(victim: Victim) -> Answer:
    tokens = await victim.services.sessions.open(
        victim.user.id, remember_me=False, client="tests", methods=("pwd", "otp", "mfa")
    )
    return await victim.client.post(f"{AUTH}/refresh", {"refresh_token": tokens.refresh_token})


async def _registration(victim: Victim) -> Answer:
    """With a link that was mailed before the address had an account."""
    email = victim.user.email
    link = await victim.services.confirmations.make(Purpose.REGISTRATION, email, email)
    token = link.rpartition("=")[2]
    body = {"token": token, "display_name": "Somebody", "password": "staple correct horse"}
    return await victim.client.post("/api/v1/registrations/confirm", body)


PATHS: dict[tuple[str, str], tuple[Callable[[Victim], Awaitable[Answer]], str | None]] = {
    ("create_login", "password"): (_login, "factor_required"),
    ("create_token", "password"): (_token, "factor_required"),
    ("create_token", "password and code in one"): (
        _token_with_the_code_behind_the_password,
        "invalid_credentials",
    ),
    ("confirm_login", "code"): (_confirm, None),
    ("confirm_registration", "of an address with an account"): (_registration, "invalid_link"),
    ("confirm_login", "guess"): (_confirm_with_a_guess, "invalid_factor"),
    ("create_passkey_login", "passkey"): (_passkey, None),
    ("create_passkey_login", "without its user"): (_passkey_of_a_device_left_unlocked, "invalid_factor"),
    ("finish_oidc_login", "provider without a factor"): (_oidc, "factor_required"),
    ("finish_oidc_login", "provider with a factor"): (_oidc_with_a_factor_there, None),
    ("refresh_login", "of a login with a factor"): (_refresh, None),
}
"""By route and way: who takes it, and how it is refused, or None for a success."""


def test_no_route_that_hands_out_tokens_is_left_out() -> None:
    handing_out = {
        one.id for one in OPERATIONS if (one.answer_schema or {}).get("$ref", "").endswith("/TokensRead")
    }
    assert {route for route, _ in PATHS} == handing_out


@pytest.mark.parametrize(("route", "way"), PATHS)
async def test_a_login_path_past_the_second_factor(victim: Victim, route: str, way: str) -> None:
    """There is none (Vikunja CVE-2026-34727)."""
    take, refusal = PATHS[route, way]
    before = {one["_id"] for one in await logins(victim.services, victim.user)}
    answer = await take(victim)
    opened = [one for one in await logins(victim.services, victim.user) if one["_id"] not in before]
    if refusal is None:
        assert answer.status_code == 200, answer.text
        assert [("mfa" in one["methods"]) for one in opened] == [True]
    else:
        assert (answer.status_code, answer.json()["code"]) == (STATUS[ErrorCode(refusal)], refusal)
        assert opened == []


async def test_the_factors_are_told_to_nobody_without_the_password(victim: Victim) -> None:
    body = {"email": victim.user.email, "password": PASSWORD + "!"}
    answer = await victim.client.post(LOGIN, body)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert "factors" not in answer.json()


def test_logins_are_opened_in_one_place() -> None:
    """Whoever opens one elsewhere goes past `AuthEngine.admit`, which asks for the second factor."""
    calls = {
        f"{path.relative_to(APP)}"
        for path in APP.rglob("*.py")
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "open" and "sessions" in ast.unparse(node.value)
    }
    assert calls == {"services/auth/engine.py"}


async def test_a_new_password_does_not_take_the_second_factor_away(victim: Victim) -> None:
    """Neither one's own, nor an operator's: who reads the mails still has no app."""
    await victim.services.auth.reset_password(victim.user.email, PASSWORD)
    answer = await _login(victim)
    assert (answer.status_code, answer.json()["code"]) == (401, "factor_required")


async def test_an_operator_takes_all_of_them_away(victim: Victim) -> None:
    await victim.services.auth.reset_factors(victim.user.email)
    assert await logins(victim.services, victim.user) == []
    assert (await _passkey(victim)).json()["code"] == "invalid_factor"
    assert (await _login(victim)).status_code == 200
