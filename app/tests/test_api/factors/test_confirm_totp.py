import asyncio
import re
from typing import Any

import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import log_in
from app.tests.support.factors import (
    FACTORS,
    begin_totp,
    challenge,
    code,
    confirm,
    enable_totp,
    kept_factors,
    logins,
)

pytestmark = pytest.mark.anyio
PATH = f"{FACTORS}/totp/confirm"


async def test_the_secret_counts_and_recovery_codes_are_shown_once(
    own: Client, services: Services, user: User
) -> None:
    secret = await begin_totp(own)
    answer = await own.post(PATH, {"code": code(services, secret)})
    codes = ok(answer, 200)["recovery_codes"]
    assert answer.headers["cache-control"] == "no-store"
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", one) for one in codes)
    kept = await kept_factors(services, user)
    assert kept["totp"]
    assert kept["pending_totp"] is None
    assert len(kept["recovery_hashes"]) == 10
    assert not any(one in str(kept) for one in (secret, *codes))
    assert ok(await own.get(FACTORS))["totp"] is not None


@pytest.mark.usefixtures("long_memory")
async def test_sessions_survive_enabling_a_second_factor(own: Client, services: Services, user: User) -> None:
    """They do not: whoever knows the password may have logged in before (Redmine CVE-2021-37156)."""
    tokens = await services.sessions.open(user.id, remember_me=True, client="a thief")
    elsewhere = own.as_(tokens.access_token)
    ok(await elsewhere.get("/api/v1/me"))
    await enable_totp(own, services)
    refused(await elsewhere.get("/api/v1/me"), 401, "invalid_token")
    body = {"refresh_token": tokens.refresh_token}
    refused(await own.as_(None).post("/api/v1/auth/refresh", body), 401, "invalid_token")
    ok(await own.get("/api/v1/me"))
    assert len(await logins(services, user)) == 1


async def test_this_login_has_a_second_factor_from_now_on_and_is_no_fresher(
    own: Client, services: Services, user: User
) -> None:
    (before,) = await logins(services, user)
    await enable_totp(own, services)
    (after,) = await logins(services, user)
    assert after == {**before, "methods": ["pwd", "otp", "mfa"]}


async def test_other_logins_may_stay(own: Client, services: Services, user: User) -> None:
    elsewhere = own.as_(await log_in(services, user))
    await enable_totp(own, services, end_other_logins=False)
    ok(await elsewhere.get("/api/v1/me"))


async def test_a_wrong_code_changes_nothing(own: Client, services: Services, user: User) -> None:
    secret = await begin_totp(own)
    before = await kept_factors(services, user)
    wrong = [code(services, secret, steps) for steps in (-9, 9)]
    for one in wrong:
        refused(await own.post(PATH, {"code": one}), 401, "invalid_factor")
    assert await kept_factors(services, user) == before
    ok(await own.post(PATH, {"code": code(services, secret)}), 200)


async def test_nothing_is_pending(own: Client, services: Services) -> None:
    refused(await own.post(PATH, {"code": "123456"}), 404, "not_found")
    secret, _ = await enable_totp(own, services)
    refused(await own.post(PATH, {"code": code(services, secret, 1)}), 404, "not_found")


async def test_a_secret_waits_for_ten_minutes(own: Client, services: Services, clock: TestClock) -> None:
    secret = await begin_totp(own)
    clock.forward(minutes=10, seconds=1)
    refused(await own.post(PATH, {"code": code(services, secret)}), 404, "not_found")


async def test_confirmed_twice_at_once_hands_out_one_set_of_codes(
    own: Client, services: Services, user: User
) -> None:
    secret = await begin_totp(own)
    body = {"code": code(services, secret)}
    answers = await asyncio.gather(*(own.post(PATH, body) for _ in range(8)))
    assert [one.status_code for one in answers].count(200) == 1
    assert len((await kept_factors(services, user))["recovery_hashes"]) == 10


async def test_the_code_that_confirmed_does_not_log_in(own: Client, services: Services, user: User) -> None:
    secret = await begin_totp(own)
    used = code(services, secret)
    ok(await own.post(PATH, {"code": used}), 200)
    answer = await confirm(own, await challenge(own, user), totp=used)
    refused(answer, 401, "invalid_factor")


async def test_a_new_phone_brings_new_recovery_codes(own: Client, services: Services, user: User) -> None:
    former, old_codes = await enable_totp(own, services)
    secret, new_codes = await enable_totp(own, services)
    assert not set(old_codes) & set(new_codes)
    token = await challenge(own, user)
    refused(await confirm(own, token, totp=code(services, former, 1)), 401, "invalid_factor")
    refused(await confirm(own, token, recovery_code=old_codes[0]), 401, "invalid_factor")
    ok(await confirm(own, token, totp=code(services, secret, 1)), 200)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": None},
        {"code": 123456},
        {"code": "12345"},
        {"code": "1234567"},
        {"code": "12 456"},
        {"code": "١٢٣٤٥٦"},
        {"code": "123456\n"},
        {"code": {"$ne": ""}},
        {"code": "123456", "totp": "123456"},
    ],
    ids=str,
)
async def test_malformed(own: Client, body: dict[str, Any]) -> None:
    refused(await own.post(PATH, body), 422, "validation_failed")


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.post(PATH, {"code": "123456"}), 401, "authentication_required")
