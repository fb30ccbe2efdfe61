import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.core.security import token_hash
from app.models.sessions import SpentToken
from app.models.users import User
from app.services.access.engine import CACHE_SECONDS
from app.services.bootstrap import Services
from app.services.sessions import SessionEngine, queries
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


@pytest.mark.parametrize("rotations", [1, 2, 3, 7])
async def test_reuse_of_any_older_token_ends_the_login(
    anonymous: Client, services: Services, user: User, clock: TestClock, rotations: int
) -> None:
    stolen = tokens = await log_in(anonymous, user)
    for _ in range(rotations):
        clock.forward(seconds=61)
        tokens = await refresh(anonymous, tokens)
    clock.forward(seconds=61)
    assert await works(anonymous, tokens)
    refused(await ask(anonymous, stolen["refresh_token"]), 401, "invalid_token")
    assert not await works(anonymous, tokens)
    refused(await ask(anonymous, tokens["refresh_token"]), 401, "invalid_token")
    assert await sessions_of(services, user) == []


async def test_a_late_duplicate_is_refused_and_ends_nothing(
    anonymous: Client, services: Services, user: User, clock: TestClock
) -> None:
    first = await log_in(anonymous, user)
    second = await refresh(anonymous, first)
    third = await refresh(anonymous, second)
    clock.forward(seconds=59)
    refused(await ask(anonymous, first["refresh_token"]), 401, "invalid_token")
    assert await works(anonymous, third)
    # The minute is that of its own rotation, whatever came after.
    clock.forward(seconds=2)
    refused(await ask(anonymous, first["refresh_token"]), 401, "invalid_token")
    assert not await works(anonymous, third)
    assert await sessions_of(services, user) == []


async def test_one_spent_token_is_kept_for_each_rotation_until_the_login_ends(
    anonymous: Client, services: Services, user: User
) -> None:
    chain = [await log_in(anonymous, user)]
    for _ in range(4):
        chain.append(await refresh(anonymous, chain[-1]))
    (session,) = await sessions_of(services, user)
    spent = services.database.collection(SpentToken).find({"session_id": session["_id"]})
    kept = {one["_id"]: one["expires_at"] for one in await spent.to_list()}
    # The present and the former one are in the session itself.
    assert kept == {token_hash(one["refresh_token"]): session["expires_at"] for one in chain[:3]}


async def test_the_former_access_token_is_good_for_a_minute(
    anonymous: Client, user: User, clock: TestClock
) -> None:
    first = await log_in(anonymous, user)
    second = await refresh(anonymous, first)
    clock.forward(seconds=58)
    assert await works(anonymous, first)
    await asyncio.sleep(CACHE_SECONDS)
    clock.forward(seconds=3)
    assert not await works(anonymous, first)
    assert await works(anonymous, second)


async def test_the_former_access_token_gets_no_longer_life(
    anonymous: Client, user: User, clock: TestClock
) -> None:
    first = await log_in(anonymous, user)
    clock.forward(minutes=14, seconds=50)
    second = await refresh(anonymous, first)
    clock.forward(seconds=11)
    assert not await works(anonymous, first)
    assert await works(anonymous, second)


@pytest.mark.usefixtures("long_memory")
async def test_the_end_of_a_login_ends_both_access_tokens(anonymous: Client, user: User) -> None:
    first = await log_in(anonymous, user)
    second = await refresh(anonymous, first)
    assert await works(anonymous, first)
    assert await works(anonymous, second)
    ok(await anonymous.as_(first["access_token"]).post("/api/v1/auth/logout"), 204)
    assert not await works(anonymous, first)
    assert not await works(anonymous, second)


@pytest.fixture
def sessions(services: Services) -> Callable[..., SessionEngine]:
    """What other processes run, with secrets of their own."""

    def make(*secrets: bytes) -> SessionEngine:
        return SessionEngine(
            services.database, services.access, services.settings, secrets, services.clock, services.audit
        )

    return make


async def test_after_a_change_of_secret_a_lost_answer_logs_nobody_out(
    anonymous: Client, user: User, sessions: Callable[..., SessionEngine], clock: TestClock
) -> None:
    first = await log_in(anonymous, user)
    lost = await sessions(b"the former one").refresh(first["refresh_token"])
    anew = [await sessions(b"the new one").refresh(first["refresh_token"]) for _ in range(2)]
    assert anew[0].refresh_token == anew[1].refresh_token != lost.refresh_token
    tokens = {"access_token": anew[0].access_token, "refresh_token": anew[0].refresh_token}
    assert await works(anonymous, tokens)
    # What was handed out before, to another tab perhaps, is replaced: a late duplicate, then a copy.
    refused(await ask(anonymous, lost.refresh_token), 401, "invalid_token")
    assert await works(anonymous, tokens)
    clock.forward(seconds=61)
    refused(await ask(anonymous, lost.refresh_token), 401, "invalid_token")
    assert not await works(anonymous, tokens)


async def test_while_the_former_secret_is_known_the_successor_stays_the_same(
    anonymous: Client, user: User, sessions: Callable[..., SessionEngine]
) -> None:
    first = await log_in(anonymous, user)
    lost = await sessions(b"the former one").refresh(first["refresh_token"])
    again = await sessions(b"the new one", b"the former one").refresh(first["refresh_token"])
    assert (again.access_token, again.refresh_token) == (lost.access_token, lost.refresh_token)
    assert await sessions(b"the new one").refresh(again.refresh_token)


class KilledError(Exception):
    """The process is gone."""


@pytest.mark.parametrize("write", ["keep_spent", "rotate"])
@pytest.mark.parametrize("done", [False, True])
async def test_a_kill_between_two_writes_leaves_a_token_that_works(
    anonymous: Client, services: Services, user: User, monkeypatch: pytest.MonkeyPatch, write: str, done: bool
) -> None:
    second = await refresh(anonymous, await log_in(anonymous, user))
    writing = getattr(queries, write)

    async def kill(*arguments: Any) -> None:
        if done:
            await writing(*arguments)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(queries, write, kill)
        with pytest.raises(KilledError):
            await services.sessions.refresh(second["refresh_token"])
    assert await works(anonymous, second)
    third = await refresh(anonymous, second)
    assert await works(anonymous, await refresh(anonymous, third))
    assert len(await sessions_of(services, user)) == 1


async def test_many_at_once_are_one_rotation(anonymous: Client, services: Services, user: User) -> None:
    first = await log_in(anonymous, user)
    answers = await asyncio.gather(*(ask(anonymous, first["refresh_token"]) for _ in range(50)))
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


@pytest.mark.parametrize("body", [{"refresh_token": ""}, {"refresh_token": "x" * 201}], ids=str)
async def test_malformed(anonymous: Client, body: dict[str, Any]) -> None:
    refused(await anonymous.post(PATH, body), 422, "validation_failed")


@pytest.mark.parametrize("value", [None, 5, {"$ne": None}, ["x"]], ids=str)
async def test_operators_are_no_tokens(anonymous: Client, services: Services, user: User, value: Any) -> None:
    tokens = await log_in(anonymous, user)
    before = await sessions_of(services, user)
    refused(await anonymous.post(PATH, {"refresh_token": value}), 422, "validation_failed")
    assert await sessions_of(services, user) == before
    assert await works(anonymous, tokens)
