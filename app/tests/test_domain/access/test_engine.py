"""The gate: who asks at the same time, what is remembered, and for whom a command may act."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Collection
from datetime import datetime
from typing import Any, TypeVar

import pytest

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.security import token_hash
from app.models.memberships import Role
from app.models.users import User
from app.services.access import engine, queries
from app.services.access.engine import Access
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok
from app.tests.support.copies import copy_workspace
from app.tests.support.factories import Workspace, log_in, make_user
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Gate:
    """Before the database: counts questions, and holds answers back while it is shut."""

    def __init__(self) -> None:
        self._login = queries.login
        self._logins = queries.logins
        self.asked = 0
        self.queries = 0
        self.asked_of = Counter[str]()
        """The same by the hash of the token, as the program under test asks of its clients' meanwhile."""
        self.open = asyncio.Event()
        self.open.set()
        self.answered = asyncio.Event()
        self.error: Exception | None = None

    async def login(self, database: Database, key: str, now: datetime, ref: str | None) -> Doc | None:
        return await self._answer([key], self._login(database, key, now, ref))

    async def logins(self, database: Database, keys: Collection[str], now: datetime) -> dict[str, Doc]:
        return await self._answer(keys, self._logins(database, keys, now))

    async def _answer(self, keys: Collection[str], answer: Awaitable[T]) -> T:
        self.queries += 1
        self.asked += len(keys)
        self.asked_of.update(keys)
        found = await answer
        self.answered.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return found


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(queries, "login", gate.login)
    monkeypatch.setattr(queries, "logins", gate.logins)
    # Long enough that only what a test does ends it.
    monkeypatch.setattr(engine, "CACHE_SECONDS", 1000.0)
    return gate


@pytest.fixture
async def access(services: Services) -> AsyncIterator[Access]:
    """One that remembers nothing yet."""
    listeners = services.writers.listeners
    yield Access(services.database, services.writers, services.clock, b"secret")
    listeners.pop()


@pytest.fixture
async def user(services: Services) -> User:
    return await make_user(services)


@pytest.fixture
async def token(services: Services, user: User) -> str:
    return await log_in(services, user)


async def test_requests_that_come_together_ask_once(
    access: Access, gate: Gate, user: User, token: str
) -> None:
    found = await asyncio.gather(*[access.identify(token) for _ in range(5)])
    assert ({one.user_id for one in found}, gate.asked) == ({user.id}, 1)
    await access.identify(token)
    assert gate.asked == 1


async def test_logins_that_come_together_are_looked_up_together_and_each_is_its_own(
    services: Services, access: Access, gate: Gate, token: str
) -> None:
    users = [await make_user(services) for _ in range(3)]
    login = await services.sessions.open(users[0].id, remember_me=False, client="tests")
    successor = await services.sessions.refresh(login.refresh_token)
    tokens = [successor.access_token, login.access_token, await log_in(services, users[1])]
    dead = await log_in(services, users[2])
    await services.sessions.end_all(users[2].id)
    gate.open.clear()
    first = asyncio.create_task(access.identify(token))
    await gate.answered.wait()
    asked = [asyncio.create_task(access.identify(one)) for one in (*tokens, dead, "nobody's")]
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(access._logins._waiting) == len(asked)
    gate.open.set()
    found = await asyncio.gather(first, *asked, return_exceptions=True)
    told = [one.code if isinstance(one, PastisError) else getattr(one, "user_id", one) for one in found[1:]]
    assert told == [users[0].id, users[0].id, users[1].id, *[ErrorCode.INVALID_TOKEN] * 2]
    assert gate.queries == 2


async def test_a_client_that_leaves_does_not_take_the_others_answer_along(
    access: Access, gate: Gate, user: User, token: str
) -> None:
    gate.open.clear()
    leaving, staying = [asyncio.create_task(access.identify(token)) for _ in range(2)]
    await gate.answered.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    gate.open.set()
    assert (await staying).user_id == user.id
    assert (leaving.cancelled(), gate.asked) == (True, 1)


async def test_a_failed_question_is_not_remembered(
    access: Access, gate: Gate, user: User, token: str
) -> None:
    gate.error = PastisError(ErrorCode.DATABASE_UNAVAILABLE)
    failed = await asyncio.gather(*[access.identify(token) for _ in range(2)], return_exceptions=True)
    assert (failed, gate.asked) == ([gate.error] * 2, 1)
    gate.error = None
    assert (await access.identify(token)).user_id == user.id


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_an_answer_after_all_have_left_is_nobody_s(
    access: Access, gate: Gate, token: str, end: str
) -> None:
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    former = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    try:
        gate.open.clear()
        gate.error = PastisError(ErrorCode.DATABASE_UNAVAILABLE)
        leaving = asyncio.create_task(access.identify(token))
        await gate.answered.wait()
        (asking,) = access._asking.values()
        leaving.cancel()
        await asyncio.wait([leaving])
        if end == "cancelled":  # as when the process stops
            asking.cancel()
        gate.open.set()
        await asyncio.wait([asking])
        await asyncio.sleep(0)
        assert (access._asking, asking.cancelled()) == ({}, end == "cancelled")
        del asking
        gc.collect()
    finally:
        loop.set_exception_handler(former)
    assert complaints == []


async def test_a_login_that_ends_while_it_is_looked_up_is_not_remembered(
    services: Services, access: Access, gate: Gate, user: User, token: str
) -> None:
    gate.open.clear()
    early = asyncio.create_task(access.identify(token))
    await gate.answered.wait()
    await services.sessions.end_all(user.id)
    access.forget_user(user.id)
    # Whoever comes now does not get the early answer either.
    late = asyncio.create_task(access.identify(token))
    gate.open.set()
    await early
    for asking in (late, access.identify(token)):
        with pytest.raises(PastisError) as caught:
            await asking
        assert caught.value.code is ErrorCode.INVALID_TOKEN


async def test_what_is_remembered_has_a_limit(
    services: Services, access: Access, gate: Gate, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CACHE_SIZE", 3)
    tokens = [await log_in(services, user) for _ in range(7)]
    for token in tokens:
        await access.identify(token)
        assert len(access._known) <= 3
    await access.identify(tokens[-1])
    assert gate.asked == 7


async def test_what_is_remembered_of_a_workspace_ends_with_each_change_of_who_may_what(
    access: Access, gate: Gate, workspace: Workspace, services: Services
) -> None:
    """Also where no doorbell rings: this access has none."""
    token = await log_in(services, workspace.users["member"])

    async def rank() -> Role:
        return (await access.enter(token, workspace.slug, {})).standing.rank

    assert await rank() is Role.MEMBER
    await workspace.task()
    assert (await rank(), gate.asked_of[token_hash(token)]) == (Role.MEMBER, 1)
    path = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(path, {"role": "admin"}))
    assert await rank() is Role.ADMIN


async def test_a_slug_names_one_workspace_whatever_others_are_called(
    services: Services, workspace: Workspace, other_workspace: Workspace, anonymous: Client
) -> None:
    newer = await copy_workspace(services, anonymous)
    for one in (workspace, other_workspace):
        ok(await one.api.patch("", {"name": newer.slug}))
    (found,) = await services.access.called(newer.slug)
    assert found["_id"] == newer.id
    ok(await newer.api.patch("", {"slug": f"moved-{new_id()}"}))
    assert {one["_id"] for one in await services.access.called(newer.slug)} == {
        workspace.id,
        other_workspace.id,
    }
    assert await services.access.called(new_id()) == []


async def test_who_has_left_or_never_had_a_login_is_no_account_of_a_workspace(
    services: Services, workspace: Workspace
) -> None:
    ok(await workspace.api.post("/memberships", {"display_name": "Yura Zenevich", "role": "owner"}), 201)
    ok(await workspace.api.delete(f"/memberships/{workspace.membership_ids['admin']}"))
    (found,) = await services.access.called(workspace.slug)
    members = {one["user_id"] for one in found["memberships"]}
    assert members == {workspace.users["owner"].id, workspace.users["member"].id}


async def test_a_command_acts_only_for_members_who_can_log_in(
    services: Services, access: Access, workspace: Workspace
) -> None:
    source = {"channel": "cli"}
    owner = workspace.users["owner"]
    scope = await access.act_for(owner, workspace.id, source)
    assert scope.standing.membership_id == workspace.membership_ids["owner"]
    inactive = owner.model_copy(update={"active": False})
    for user, workspace_id in (
        (workspace.users["stranger"], workspace.id),
        (inactive, workspace.id),
        (owner, new_id()),
    ):
        with pytest.raises(PastisError) as caught:
            await access.act_for(user, workspace_id, source)
        assert caught.value.code is ErrorCode.NOT_FOUND
