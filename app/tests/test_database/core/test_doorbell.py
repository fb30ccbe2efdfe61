"""What one process ends, another hears of at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from statistics import median
from time import monotonic
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from app.core.config import Settings
from app.core.database import doorbell
from app.core.database.doorbell import Doorbell, Ring
from app.core.database.engine import Database
from app.core.errors import ErrorCode, PastisError
from app.models.users import User
from app.services.access import Access, engine
from app.services.bootstrap import Services
from app.tests.support.clients import ok
from app.tests.support.factories import Workspace, log_in, make_user

pytestmark = pytest.mark.anyio
SOURCE = {"channel": "test"}


@pytest.fixture
async def other(
    test_settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Services]:
    """Another process on the same database, which forgets nothing by itself."""
    monkeypatch.setattr(engine, "CACHE_SECONDS", 3600.0)
    process = Services(test_settings, Database.connect(test_settings), services.secret, services.clock)
    await process.prepare()
    process.start()
    async with asyncio.timeout(10):
        await process.doorbell.listening.wait()
    yield process
    await process.close()


async def until_refused(ask: Callable[[], Awaitable[object]], code: ErrorCode) -> float:
    """How many seconds it takes until the other process refuses."""
    begun = monotonic()
    while monotonic() - begun < 5:
        try:
            await ask()
        except PastisError as error:
            if error.code is code:
                return monotonic() - begun
            raise
        await asyncio.sleep(0.001)
    raise AssertionError("it is never refused")


async def test_logins_that_end_elsewhere(services: Services, other: Services) -> None:
    user = await make_user(services)
    waited = []
    for _ in range(30):
        token = await log_in(services, user)
        principal = await other.access.identify(token)
        await services.sessions.end(principal.credential_id)
        waited.append(await until_refused(partial(other.access.identify, token), ErrorCode.INVALID_TOKEN))
    assert max(waited) < 1.0
    assert median(waited) < 0.2


async def test_all_logins_of_a_user(services: Services, other: Services) -> None:
    user = await make_user(services)
    tokens = [await log_in(services, user) for _ in range(3)]
    for token in tokens:
        await other.access.identify(token)
    await services.sessions.end_all(user.id)
    for token in tokens:
        assert await until_refused(partial(other.access.identify, token), ErrorCode.INVALID_TOKEN) < 1.0


async def test_an_account_that_is_deactivated(services: Services, other: Services) -> None:
    user = await make_user(services)
    token = await log_in(services, user)
    await other.access.identify(token)
    await services.database.collection(User).update_one({"_id": user.id}, {"$set": {"active": False}})
    assert await until_refused(partial(other.access.identify, token), ErrorCode.INVALID_TOKEN) < 1.0


async def test_a_membership_that_ends(workspace: Workspace, other: Services) -> None:
    token = workspace.member.token
    assert token is not None

    async def enter() -> object:
        return await other.access.enter(token, workspace.id, SOURCE)

    await enter()
    ok(await workspace.api.delete(f"/memberships/{workspace.membership_ids['member']}"))
    assert await until_refused(enter, ErrorCode.NOT_FOUND) < 1.0


async def test_somebody_who_proves_again_who_they_are(services: Services, other: Services) -> None:
    token = await log_in(services, await make_user(services))
    before = await other.access.identify(token)
    await asyncio.sleep(0.002)
    await services.sessions.prove(before.credential_id)
    await asyncio.sleep(0.5)
    after = await other.access.identify(token)
    assert after.authenticated_at is not None
    assert before.authenticated_at is not None
    assert after.authenticated_at > before.authenticated_at


async def test_what_ends_nothing_rings_nothing(
    services: Services, other: Services, workspace: Workspace
) -> None:
    dropped: list[object] = []
    other.access._drop = dropped.append  # type: ignore[method-assign, assignment] # counts
    tokens = await services.sessions.open(workspace.users["owner"].id, remember_me=False, client="tests")
    await services.sessions.refresh(tokens.refresh_token)
    await services.last_uses.flush()
    await workspace.task()
    await workspace.label()
    await asyncio.sleep(0.3)
    assert dropped == []


class Flaky:
    """A database whose change streams fail some times."""

    def __init__(self, database: Database, failures: int) -> None:
        self._real = database.engine.database
        self.failures = failures
        self.engine = self
        self.database = self

    async def watch(self, *arguments: Any, **options: Any) -> Any:
        self.failures -= 1
        if self.failures >= 0:
            raise OperationFailure("no change streams here", 40324)
        return await self._real.watch(*arguments, **options)


async def test_it_tries_again(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "FIRST_PAUSE_SECONDS", 0.001)
    rung = asyncio.Event()
    flaky: Any = Flaky(services.database, 3)
    bell = Doorbell(flaky, [Ring(User, {"operationType": "insert"}, lambda _: rung.set())])
    bell.start()
    try:
        async with asyncio.timeout(5):
            await bell.listening.wait()
        assert flaky.failures == -1
        await make_user(services)
        async with asyncio.timeout(5):
            await rung.wait()
    finally:
        await bell.close()


async def test_a_silent_one_is_no_promise_broken(services: Services, test_settings: Settings) -> None:
    """Without change streams, as on SecantusDB, the second of the cache is what holds."""
    process = Services(test_settings, Database.connect(test_settings), services.secret, services.clock)
    try:
        access: Access = process.access
        token = await log_in(services, await make_user(services))
        principal = await access.identify(token)
        await services.sessions.end(principal.credential_id)
        waited = await until_refused(partial(access.identify, token), ErrorCode.INVALID_TOKEN)
        assert waited < engine.CACHE_SECONDS + 0.5
    finally:
        await process.close()
