import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.core.security import token_hash
from app.models.factors import LoginChallenge
from app.models.users import User
from app.services.bootstrap import Services
from app.services.users import queries as user_queries
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD, make_user
from app.tests.support.factors import (
    FACTORS,
    LOGIN,
    add_passkey,
    challenge,
    client_of,
    code,
    confirm,
    enable_totp,
    logins,
    use_passkey,
)
from app.tests.test_api.auth.logins import coming_from, works

pytestmark = pytest.mark.anyio
PATH = f"{LOGIN}/factor"
OTHER_CLOCKS = (-1, 0, 1)
THROTTLED = (429, "too_many_requests")


@pytest.fixture
async def app_secret(own: Client, services: Services, clock: TestClock) -> str:
    """Of an app whose present codes have not been used."""
    secret, _ = await enable_totp(own, services)
    clock.forward(minutes=2)
    return secret


async def test_the_password_alone_opens_no_login(
    own: Client, services: Services, user: User, app_secret: str
) -> None:
    before = await logins(services, user)
    body = {"email": user.email, "password": PASSWORD}
    answer = await own.as_(None).post(LOGIN, body)
    problem = refused(answer, 401, "factor_required")
    assert answer.headers["cache-control"] == "no-store"
    assert problem["factors"] == ["totp", "recovery_code"]
    kept = await services.database.collection(LoginChallenge).find_one({"user_id": user.id})
    assert kept is not None
    assert kept["_id"] == token_hash(problem["challenge"])
    assert problem["challenge"] not in str(kept)
    assert await logins(services, user) == before
    refused(await own.as_(problem["challenge"]).get("/api/v1/me"), 401, "invalid_token")


@pytest.mark.parametrize("steps", OTHER_CLOCKS)
async def test_a_code_of_about_now_opens_it(
    own: Client, services: Services, user: User, app_secret: str, clock: TestClock, steps: int
) -> None:
    _to_the_middle_of_a_step(clock)
    token = await challenge(own, user, remember_me=True)
    answer = await confirm(own, token, totp=code(services, app_secret, steps))
    tokens = ok(answer, 200)
    assert answer.headers["cache-control"] == "no-store"
    assert await works(own, tokens)
    session = (await logins(services, user))[-1]
    assert session["methods"] == ["pwd", "otp", "mfa"]
    assert session["remember_me"] is True
    assert session["expires_at"] - session["created_at"] == timedelta(days=30)


async def test_no_code_opens_it_when_an_operator_has_taken_the_factors_away(
    own: Client, services: Services, user: User, app_secret: str
) -> None:
    token = await challenge(own, user)
    await services.auth.reset_factors(user.email)
    refused(await confirm(own, token, totp=code(services, app_secret)), 401, "invalid_factor")


@pytest.mark.parametrize("steps", [-20, -2, 2, 20])
async def test_a_code_of_another_time_does_not(
    own: Client, services: Services, user: User, app_secret: str, clock: TestClock, steps: int
) -> None:
    _to_the_middle_of_a_step(clock)
    token = await challenge(own, user)
    refused(await confirm(own, token, totp=code(services, app_secret, steps)), 401, "invalid_factor")


def _to_the_middle_of_a_step(clock: TestClock) -> None:
    clock.forward(seconds=15 - clock.now().timestamp() % 30)


async def test_a_code_used_twice(own: Client, services: Services, user: User, app_secret: str) -> None:
    """Whoever looks over a shoulder has half a minute, and no use for what is seen."""
    used = code(services, app_secret)
    ok(await confirm(own, await challenge(own, user), totp=used), 200)
    refused(await confirm(own, await challenge(own, user), totp=used), 401, "invalid_factor")
    earlier = code(services, app_secret, -1)
    refused(await confirm(own, await challenge(own, user), totp=earlier), 401, "invalid_factor")


async def test_a_code_used_at_once_by_several(
    own: Client, services: Services, user: User, app_secret: str
) -> None:
    tokens = [await challenge(own, user) for _ in range(5)]
    before = len(await logins(services, user))
    used = code(services, app_secret)
    answers = await asyncio.gather(*(confirm(own, one, totp=used) for one in tokens))
    assert sorted(one.status_code for one in answers) == [200] + [401] * 4
    assert len(await logins(services, user)) == before + 1


async def test_a_recovery_code_used_twice(own: Client, services: Services, user: User) -> None:
    _, codes = await enable_totp(own, services)
    tokens = ok(await confirm(own, await challenge(own, user), recovery_code=codes[3]), 200)
    assert (await logins(services, user))[-1]["methods"] == ["pwd", "otp", "mfa"]
    assert ok(await own.as_(tokens["access_token"]).get(FACTORS))["recovery_codes_left"] == 9
    refused(await confirm(own, await challenge(own, user), recovery_code=codes[3]), 401, "invalid_factor")


async def test_a_recovery_code_used_at_once_by_several(own: Client, services: Services, user: User) -> None:
    _, codes = await enable_totp(own, services)
    tokens = [await challenge(own, user) for _ in range(5)]
    answers = await asyncio.gather(*(confirm(own, one, recovery_code=codes[0]) for one in tokens))
    assert sorted(one.status_code for one in answers) == [200] + [401] * 4


async def test_how_a_recovery_code_is_written_does_not_matter(
    own: Client, services: Services, user: User
) -> None:
    _, codes = await enable_totp(own, services)
    spellings = (codes[0].upper(), codes[1].replace("-", ""), codes[2].replace("-", " "))
    for spelling in spellings:
        ok(await confirm(own, await challenge(own, user), recovery_code=spelling), 200)


@pytest.mark.parametrize(("synced", "kind"), [(False, "hwk"), (True, "swk")])
async def test_a_passkey_is_a_second_factor(
    own: Client, services: Services, user: User, synced: bool, kind: str
) -> None:
    authenticator = Authenticator(synced=synced)
    await add_passkey(own, authenticator)
    problem = refused(
        await own.as_(None).post(LOGIN, {"email": user.email, "password": PASSWORD}), 401, "factor_required"
    )
    assert problem["factors"] == ["passkey", "recovery_code"]
    credential = await use_passkey(own, authenticator)
    assert await works(own, ok(await confirm(own, problem["challenge"], passkey=credential), 200))
    assert (await logins(services, user))[-1]["methods"] == ["pwd", kind, "user", "mfa"]


async def test_anothers_factors_are_none(
    own: Client, services: Services, user: User, app_secret: str
) -> None:
    thief = await client_of(services, own, await make_user(services, "A thief"))
    authenticator = Authenticator()
    _, codes = await enable_totp(thief, services)
    await add_passkey(thief, authenticator)
    token = await challenge(own, user)
    credential = await use_passkey(thief, authenticator)
    refused(await confirm(own, token, passkey=credential), 401, "invalid_factor")
    refused(await confirm(own, token, recovery_code=codes[0]), 401, "invalid_factor")


async def test_guesses_are_counted(own: Client, services: Services, user: User, app_secret: str) -> None:
    """From one place five; at once, they are five as well."""
    token = await challenge(own, user)
    wrong = code(services, app_secret, 50)
    answers = await asyncio.gather(*(confirm(own, token, totp=wrong) for _ in range(12)))
    told = Counter(one.json()["code"] for one in answers)
    assert told["invalid_factor"] == 5
    assert told["too_many_requests"] + told["invalid_token"] == 7
    refused(await confirm(own, token, totp=code(services, app_secret)), 401, "invalid_token")
    again = await confirm(own, await challenge(own, user), totp=code(services, app_secret))
    refused(again, *THROTTLED)


async def test_a_challenge_has_five_answers_wherever_they_come_from(
    app: FastAPI, own: Client, services: Services, user: User, app_secret: str
) -> None:
    token = await challenge(own, user)
    for n in range(5):
        async with coming_from(app, f"10.{n}.0.1") as guesser:
            answer = await confirm(guesser, token, totp=code(services, app_secret, 50))
            refused(answer, 401, "invalid_factor")
    refused(await confirm(own, token, totp=code(services, app_secret)), 401, "invalid_token")
    ok(await confirm(own, await challenge(own, user), totp=code(services, app_secret)), 200)


async def test_answers_at_once_from_everywhere_are_five_too(
    app: FastAPI, own: Client, services: Services, user: User, app_secret: str
) -> None:
    token, wrong = await challenge(own, user), code(services, app_secret, 50)

    async def guess(n: int) -> str:
        async with coming_from(app, f"10.{n}.0.1") as guesser:
            return str((await confirm(guesser, token, totp=wrong)).json()["code"])

    told = Counter(await asyncio.gather(*(guess(n) for n in range(12))))
    assert told == {"invalid_factor": 5, "invalid_token": 7}


async def test_an_answer_that_is_throttled_is_none(
    app: FastAPI, own: Client, services: Services, user: User, app_secret: str
) -> None:
    spent, token = await challenge(own, user), await challenge(own, user)
    wrong = code(services, app_secret, 50)
    async with coming_from(app, "192.0.2.9") as guesser:
        for _ in range(5):
            refused(await confirm(guesser, spent, totp=wrong), 401, "invalid_factor")
        for _ in range(6):
            refused(await confirm(guesser, token, totp=wrong), *THROTTLED)
    ok(await confirm(own, token, totp=code(services, app_secret)), 200)


async def test_a_device_that_the_account_knows_is_not_kept_out_by_guesses(
    app: FastAPI, own: Client, services: Services, user: User, app_secret: str
) -> None:
    first = ok(await confirm(own, await challenge(own, user), totp=code(services, app_secret)), 200)
    device = {"device_token": first["device_token"]}
    async with coming_from(app, "192.0.2.10") as beside:
        token = await challenge(own, user)
        for _ in range(5):
            wrong = code(services, app_secret, 50)
            refused(await confirm(beside, token, totp=wrong), 401, "invalid_factor")
        token, right = await challenge(own, user), code(services, app_secret, 1)
        refused(await confirm(beside, token, totp=right), *THROTTLED)
        again = ok(await confirm(beside, token, totp=right, **device), 200)
    assert again["device_token"] == first["device_token"]


async def test_a_challenge_opens_one_login(own: Client, services: Services, user: User) -> None:
    _, codes = await enable_totp(own, services)
    token = await challenge(own, user)
    before = len(await logins(services, user))
    answers = await asyncio.gather(*(confirm(own, token, recovery_code=one) for one in codes[:4]))
    assert [one.status_code for one in answers].count(200) == 1
    assert len(await logins(services, user)) == before + 1
    refused(await confirm(own, token, recovery_code=codes[5]), 401, "invalid_token")


async def test_a_challenge_lasts_five_minutes(
    own: Client, services: Services, user: User, app_secret: str, clock: TestClock
) -> None:
    token = await challenge(own, user)
    clock.forward(minutes=5, seconds=1)
    refused(await confirm(own, token, totp=code(services, app_secret)), 401, "invalid_token")


async def test_a_new_password_voids_it(own: Client, services: Services, user: User, app_secret: str) -> None:
    token = await challenge(own, user)
    await services.users.update(user.id, {"password": "another horse battery staple"})
    refused(await confirm(own, token, totp=code(services, app_secret)), 401, "invalid_token")


async def test_a_deactivated_account_has_no_way_in(
    own: Client, services: Services, user: User, app_secret: str
) -> None:
    token = await challenge(own, user)
    await user_queries.update(services.database, user.id, {"active": False})
    refused(await confirm(own, token, totp=code(services, app_secret)), 401, "invalid_token")


async def test_a_deleted_account_has_none_either(
    own: Client, services: Services, user: User, app_secret: str
) -> None:
    token = await challenge(own, user)
    await user_queries.delete(services.database, user.id)
    refused(await confirm(own, token, totp=code(services, app_secret)), 401, "invalid_token")


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 200])
async def test_a_challenge_that_never_was(anonymous: Client, token: str) -> None:
    refused(await confirm(anonymous, token, totp="123456"), 401, "invalid_token")


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"totp": "123456", "recovery_code": "aaaa-aaaa-aaaa-aaaa"},
        {"totp": None},
        {"totp": 123456},
        {"totp": {"$ne": ""}},
        {"recovery_code": "short"},
        {"recovery_code": "0189-0189-0189-0189"},
        {"passkey": {}},
        {"passkey": "x"},
        {"password": PASSWORD},
    ],
    ids=str,
)
async def test_malformed(own: Client, user: User, app_secret: str, proof: dict[str, Any]) -> None:
    token = await challenge(own, user)
    refused(await confirm(own, token, **proof), 422, "validation_failed")
