"""Proving again who one is, where the account has second factors: a password is not enough."""

from typing import Any

import pytest

from app.core.sealing import Sealer
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD, make_user
from app.tests.support.factors import (
    FACTORS,
    add_passkey,
    client_of,
    code,
    enable_totp,
    logins,
    use_passkey,
)

pytestmark = pytest.mark.anyio
PATH = "/api/v1/auth/reauthenticate"
STALE = {"minutes": 11}


async def prove(client: Client, **proof: Any) -> Answer:
    return await client.post(PATH, proof)


async def may_do_what_is_sensitive(client: Client) -> bool:
    answer = await client.post(f"{FACTORS}/totp")
    if answer.status_code == 200:
        return True
    refused(answer, 403, "reauthentication_required")
    return False


async def test_a_stolen_login_and_the_password_take_no_factor_away(
    own: Client, services: Services, clock: TestClock
) -> None:
    await enable_totp(own, services)
    clock.forward(**STALE)
    problem = refused(await prove(own, password=PASSWORD), 401, "factor_required")
    assert problem["factors"] == ["totp", "recovery_code"]
    assert "challenge" not in problem
    refused(await own.delete(f"{FACTORS}/totp"), 403, "reauthentication_required")
    assert not await may_do_what_is_sensitive(own)


async def test_the_password_and_a_code(own: Client, services: Services, clock: TestClock) -> None:
    secret, codes = await enable_totp(own, services)
    clock.forward(**STALE)
    for proof in ({"totp": code(services, secret)}, {"recovery_code": codes[0]}):
        problem = refused(await prove(own, **proof), 401, "invalid_credentials")
        assert "the password is missing, which comes with a code" in problem["detail"]
        problem = refused(await prove(own, password="wrong", **proof), 401, "invalid_credentials")
        assert problem["detail"] == "The password of this account is wrong."
    assert not await may_do_what_is_sensitive(own)
    ok(await prove(own, password=PASSWORD, totp=code(services, secret)), 204)
    assert await may_do_what_is_sensitive(own)


async def test_a_code_counts_once_here_too(own: Client, services: Services, clock: TestClock) -> None:
    secret, codes = await enable_totp(own, services)
    clock.forward(minutes=2)
    for proof in ({"totp": code(services, secret)}, {"recovery_code": codes[0]}):
        ok(await prove(own, password=PASSWORD, **proof), 204)
        refused(await prove(own, password=PASSWORD, **proof), 401, "invalid_factor")


async def test_codes_do_not_count_after_the_secret_was_changed_and_forgotten(
    own: Client, services: Services, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PASTIS_SECRET is another one, and PASTIS_FORMER_SECRETS has not the former: recovery codes do count."""
    secret, codes = await enable_totp(own, services)
    clock.forward(**STALE)
    monkeypatch.setattr(services.factors, "_sealer", Sealer([b"another"], "totp"))
    refused(await prove(own, password=PASSWORD, totp=code(services, secret)), 401, "invalid_factor")
    ok(await prove(own, password=PASSWORD, recovery_code=codes[0]), 204)


async def test_a_passkey_is_enough(own: Client, services: Services, user: User, clock: TestClock) -> None:
    authenticator = Authenticator()
    await add_passkey(own, authenticator)
    clock.forward(**STALE)
    ok(await prove(own, passkey=await use_passkey(own, authenticator)), 204)
    assert await may_do_what_is_sensitive(own)
    assert (await logins(services, user))[-1]["methods"] == ["pwd", "hwk", "user", "mfa"]


async def test_anothers_passkey(own: Client, services: Services, clock: TestClock) -> None:
    await add_passkey(own, Authenticator())
    thief, theirs = await client_of(services, own, await make_user(services)), Authenticator()
    await add_passkey(thief, theirs)
    clock.forward(**STALE)
    refused(await prove(own, passkey=await use_passkey(own, theirs)), 401, "invalid_factor")
    assert not await may_do_what_is_sensitive(own)


async def test_without_second_factors_the_password_is_asked_for(own: Client, clock: TestClock) -> None:
    clock.forward(**STALE)
    for proof in ({"totp": "123456"}, {"recovery_code": "aaaa-aaaa-aaaa-aaaa"}):
        refused(await prove(own, **proof), 401, "invalid_credentials")
    refused(await prove(own), 422, "validation_failed")
    assert not await may_do_what_is_sensitive(own)
    ok(await prove(own, password=PASSWORD), 204)
    assert await may_do_what_is_sensitive(own)


async def test_an_account_without_both_is_told_to_log_in_with_its_provider(
    own: Client, services: Services, user: User, clock: TestClock
) -> None:
    await services.users.update(user.id, {"password_hash": None})
    clock.forward(**STALE)
    problem = refused(await prove(own, password=PASSWORD), 401, "invalid_credentials")
    assert "the account has no password; log in again with its provider" in problem["detail"]


async def test_an_account_without_a_password_proves_a_factor_alone(
    own: Client, services: Services, user: User, clock: TestClock
) -> None:
    """As those that single sign-on has made."""
    secret, _ = await enable_totp(own, services)
    await services.users.update(user.id, {"password_hash": None})
    clock.forward(**STALE)
    ok(await prove(own, totp=code(services, secret)), 204)
    assert await may_do_what_is_sensitive(own)
