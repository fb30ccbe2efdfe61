from datetime import timedelta
from typing import Any

import pytest

from app.core.security import token_hash
from app.models.sessions import Session
from app.models.users import User
from app.services.bootstrap import Services
from app.services.users import queries as user_queries
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD
from app.tests.test_api.auth.logins import log_in, sessions_of, works

pytestmark = pytest.mark.anyio
PATH = "/api/v1/auth/login"


async def test_opens_a_login(anonymous: Client, services: Services, user: User) -> None:
    answer = await anonymous.post(PATH, {"email": user.email, "password": PASSWORD})
    tokens = ok(answer, 200)
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "device_token"}
    assert tokens["token_type"] == "bearer"
    assert 890 <= tokens["expires_in"] <= 900
    assert answer.headers["cache-control"] == "no-store"
    me = ok(await anonymous.as_(tokens["access_token"]).get("/api/v1/me"))
    assert me["email"] == user.email
    (session,) = await sessions_of(services, user)
    assert session["access_hash"] == token_hash(tokens["access_token"])
    assert session["refresh_hash"] == token_hash(tokens["refresh_token"])
    kept = str(session)
    assert tokens["access_token"] not in kept
    assert tokens["refresh_token"] not in kept


@pytest.mark.parametrize(("remember_me", "life"), [(False, {"hours": 12}), (True, {"days": 30})])
async def test_how_long_a_login_lasts(
    anonymous: Client, services: Services, user: User, remember_me: bool, life: dict[str, int]
) -> None:
    await log_in(anonymous, user, remember_me=remember_me)
    (session,) = await sessions_of(services, user)
    assert session["expires_at"] - session["created_at"] == timedelta(**life)


async def test_the_address_is_read_whatever_its_case(anonymous: Client, user: User) -> None:
    body = {"email": f" {user.email.upper()} ", "password": PASSWORD}
    assert await works(anonymous, ok(await anonymous.post(PATH, body)))


async def test_each_login_has_tokens_of_its_own(anonymous: Client, services: Services, user: User) -> None:
    one, two = await log_in(anonymous, user), await log_in(anonymous, user)
    assert len({one["access_token"], one["refresh_token"], two["access_token"], two["refresh_token"]}) == 4
    assert len(await sessions_of(services, user)) == 2
    assert await works(anonymous, one)
    assert await works(anonymous, two)


async def test_unknown_address_and_wrong_password_answer_alike(
    anonymous: Client, services: Services, user: User
) -> None:
    async def attempt(email: str, password: str) -> dict[str, Any]:
        answer = await anonymous.post(PATH, {"email": email, "password": password})
        problem = refused(answer, 401, "invalid_credentials")
        headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        return {**problem, "request_id": "", "headers": headers}

    wrong = await attempt(user.email, PASSWORD + "!")
    unknown = await attempt("nobody@fluid.example", PASSWORD)
    odd = await attempt("not an address", PASSWORD)
    assert wrong == unknown == odd
    assert await sessions_of(services, user) == []


async def test_a_password_is_compared_to_the_letter(
    anonymous: Client, services: Services, user: User
) -> None:
    for wrong in (PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD} ", PASSWORD[:-1], "x"):
        answer = await anonymous.post(PATH, {"email": user.email, "password": wrong})
        refused(answer, 401, "invalid_credentials")
    assert await sessions_of(services, user) == []


async def test_a_disabled_account_has_no_way_in(anonymous: Client, services: Services, user: User) -> None:
    tokens = await log_in(anonymous, user)
    await user_queries.update(services.database, user.id, {"active": False})
    answer = await anonymous.post(PATH, {"email": user.email, "password": PASSWORD})
    refused(answer, 401, "invalid_credentials")
    assert not await works(anonymous, tokens)


async def test_an_access_token_ends_with_its_login_whatever_its_own_end(
    anonymous: Client, services: Services, user: User
) -> None:
    tokens = await log_in(anonymous, user)
    sessions = services.database.collection(Session)
    await sessions.update_one({"user_id": user.id}, {"$set": {"expires_at": services.clock.now()}})
    assert not await works(anonymous, tokens)


async def test_an_access_token_ends_after_fifteen_minutes(
    anonymous: Client, user: User, clock: TestClock
) -> None:
    early, late = await log_in(anonymous, user), await log_in(anonymous, user)
    clock.forward(minutes=14, seconds=50)
    assert await works(anonymous, early)
    clock.forward(seconds=15)
    assert not await works(anonymous, late)


@pytest.mark.parametrize(
    "body",
    [
        {"email": "a@b.example"},
        {"password": PASSWORD},
        {"email": "ab", "password": PASSWORD},
        {"email": "a" * 255, "password": PASSWORD},
        {"email": {"$ne": None}, "password": PASSWORD},
        {"email": {"$gt": ""}, "password": {"$gt": ""}},
        {"email": "a@b.example", "password": {"$ne": None}},
        {"email": "a@b.example", "password": ""},
        {"email": "a@b.example", "password": "x" * 129},
        {"email": "a@b.example", "password": PASSWORD, "remember_me": "yes"},
        {"email": "a@b.example", "password": PASSWORD, "remember_me": None},
        {"email": "a@b.example", "password": PASSWORD, "role": "owner"},
    ],
    ids=str,
)
async def test_malformed(anonymous: Client, body: dict[str, Any]) -> None:
    answer = await anonymous.post(PATH, body)
    refused(answer, 422, "validation_failed")
    assert PASSWORD not in answer.text


async def test_the_clients_name_is_kept_and_cut(anonymous: Client, services: Services, user: User) -> None:
    body = {"email": user.email, "password": PASSWORD}
    ok(await anonymous.post(PATH, body, headers={"User-Agent": "pastis-web/1 " + "x" * 500}))
    (session,) = await sessions_of(services, user)
    assert session["client"] == ("pastis-web/1 " + "x" * 500)[:200]
