import asyncio
from typing import Any

import pytest

from app.core.security import token_hash
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.test_api.auth.logins import log_in, refresh, sessions_of, works

pytestmark = pytest.mark.anyio
PATH = "/api/v1/auth/refresh"


async def ask(client: Client, token: str) -> Answer:
    return await client.post(PATH, {"refresh_token": token})


@pytest.mark.usefixtures("long_memory")
async def test_rotates_both_tokens(anonymous: Client, services: Services, user: User) -> None:
    first = await log_in(anonymous, user)
    assert await works(anonymous, first)
    answer = await ask(anonymous, first["refresh_token"])
    second = ok(answer, 200)
    assert answer.headers["cache-control"] == "no-store"
    assert not {first["access_token"], first["refresh_token"]} & {
        second["access_token"],
        second["refresh_token"],
    }
    assert await works(anonymous, second)
    # The former access token ends with the rotation, even for a process that has just seen it.
    assert not await works(anonymous, first)
    (session,) = await sessions_of(services, user)
    assert session["refresh_hash"] == token_hash(second["refresh_token"])
    assert session["previous_refresh_hash"] == token_hash(first["refresh_token"])


async def test_a_chain_of_refreshes_is_one_login(anonymous: Client, services: Services, user: User) -> None:
    tokens = await log_in(anonymous, user)
    seen = {tokens["refresh_token"]}
    for _ in range(5):
        tokens = await refresh(anonymous, tokens)
        seen.add(tokens["refresh_token"])
    assert len(seen) == 6
    assert await works(anonymous, tokens)
    assert len(await sessions_of(services, user)) == 1


async def test_after_a_lost_answer_the_same_successor(
    anonymous: Client, services: Services, user: User, clock: TestClock
) -> None:
    first = await log_in(anonymous, user)
    lost = await refresh(anonymous, first)
    (session,) = await sessions_of(services, user)
    clock.forward(seconds=58)
    again = await refresh(anonymous, first)
    assert (again["access_token"], again["refresh_token"]) == (lost["access_token"], lost["refresh_token"])
    # It tells what is left of the access token's life, not a new one.
    assert lost["expires_in"] - again["expires_in"] in (58, 59)
    assert await sessions_of(services, user) == [session]
    assert await works(anonymous, again)


async def test_reuse_after_the_grace_ends_the_login(
    anonymous: Client, services: Services, user: User, clock: TestClock
) -> None:
    stolen = await log_in(anonymous, user)
    other = await log_in(anonymous, user)
    current = await refresh(anonymous, stolen)
    assert await works(anonymous, current)
    clock.forward(seconds=61)
    refused(await ask(anonymous, stolen["refresh_token"]), 401, "invalid_token")
    assert not await works(anonymous, current)
    refused(await ask(anonymous, current["refresh_token"]), 401, "invalid_token")
    (left,) = await sessions_of(services, user)
    assert left["refresh_hash"] == token_hash(other["refresh_token"])
    assert await works(anonymous, other)


async def test_a_token_from_before_the_former_one_is_unknown(
    anonymous: Client, services: Services, user: User
) -> None:
    first = await log_in(anonymous, user)
    second = await refresh(anonymous, first)
    third = await refresh(anonymous, second)
    refused(await ask(anonymous, first["refresh_token"]), 401, "invalid_token")
    assert await works(anonymous, third)
    assert len(await sessions_of(services, user)) == 1


async def test_the_former_token_is_dead_once_its_successor_was_used(anonymous: Client, user: User) -> None:
    first = await log_in(anonymous, user)
    second = await refresh(anonymous, first)
    third = await refresh(anonymous, second)
    refused(await ask(anonymous, first["refresh_token"]), 401, "invalid_token")
    assert await works(anonymous, await refresh(anonymous, third))


async def test_many_at_once_are_one_rotation(anonymous: Client, services: Services, user: User) -> None:
    first = await log_in(anonymous, user)
    answers = await asyncio.gather(*(ask(anonymous, first["refresh_token"]) for _ in range(20)))
    given = {(ok(one)["access_token"], ok(one)["refresh_token"]) for one in answers}
    assert len(given) == 1
    (session,) = await sessions_of(services, user)
    assert session["refresh_hash"] == token_hash(given.pop()[1])


async def test_refreshing_keeps_a_login_beyond_its_access_token(
    anonymous: Client, user: User, clock: TestClock
) -> None:
    tokens = await log_in(anonymous, user)
    for _ in range(3):
        clock.forward(minutes=20)
        tokens = await refresh(anonymous, tokens)
    assert await works(anonymous, tokens)


@pytest.mark.parametrize(("remember_me", "life"), [(False, {"hours": 12}), (True, {"days": 30})])
async def test_no_refresh_reaches_beyond_the_end(
    anonymous: Client, user: User, clock: TestClock, remember_me: bool, life: dict[str, int]
) -> None:
    tokens = await log_in(anonymous, user, remember_me=remember_me)
    clock.forward(**life, minutes=-5)
    last = await refresh(anonymous, tokens)
    assert last["expires_in"] <= 300, "the access token outlives the login"
    clock.forward(minutes=6)
    assert not await works(anonymous, last)
    refused(await ask(anonymous, last["refresh_token"]), 401, "invalid_token")


async def test_an_access_token_refreshes_nothing(anonymous: Client, services: Services, user: User) -> None:
    tokens = await log_in(anonymous, user)
    refused(await ask(anonymous, tokens["access_token"]), 401, "invalid_token")
    answer = await anonymous.as_(tokens["refresh_token"]).get("/api/v1/me")
    refused(answer, 401, "invalid_token")
    assert await works(anonymous, tokens)
    assert len(await sessions_of(services, user)) == 1


async def test_unknown_dead_and_reused_tokens_look_alike(
    anonymous: Client, user: User, clock: TestClock
) -> None:
    reused = await log_in(anonymous, user)
    await refresh(anonymous, reused)
    clock.forward(seconds=61)
    ended = await log_in(anonymous, user)
    answer = await anonymous.as_(ended["access_token"]).post("/api/v1/auth/logout")
    assert answer.status_code == 204
    texts = set[Any]()
    for token in (reused["refresh_token"], ended["refresh_token"], "unknown"):
        problem = refused(await ask(anonymous, token), 401, "invalid_token")
        texts.add((problem["title"], problem["detail"], str(problem["errors"])))
    assert len(texts) == 1


async def test_a_disabled_account_is_not_refreshed_into_use(
    anonymous: Client, services: Services, user: User
) -> None:
    tokens = await log_in(anonymous, user)
    await services.database.collection(User).update_one({"_id": user.id}, {"$set": {"active": False}})
    answer = await ask(anonymous, tokens["refresh_token"])
    assert answer.status_code == 401 or not await works(anonymous, answer.json())


@pytest.mark.parametrize("body", [{}, {"refresh_token": ""}, {"refresh_token": "x" * 201}], ids=str)
async def test_malformed(anonymous: Client, body: dict[str, Any]) -> None:
    refused(await anonymous.post(PATH, body), 422, "validation_failed")


@pytest.mark.parametrize("value", [None, 5, {"$ne": None}, ["x"]], ids=str)
async def test_operators_are_no_tokens(anonymous: Client, services: Services, user: User, value: Any) -> None:
    tokens = await log_in(anonymous, user)
    before = await sessions_of(services, user)
    refused(await anonymous.post(PATH, {"refresh_token": value}), 422, "validation_failed")
    assert await sessions_of(services, user) == before
    assert await works(anonymous, tokens)
