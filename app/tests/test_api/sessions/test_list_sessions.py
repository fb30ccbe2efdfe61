import asyncio
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from app.core.clock import system_now
from app.models.sessions import Session
from app.models.users import User
from app.services.bootstrap import Services
from app.services.sessions import jobs, queries
from app.services.sessions.jobs import LastUses
from app.tests.support.clients import Client, ok
from app.tests.support.clock import TestClock
from app.tests.support.conventions import check_not_modified, stored
from app.tests.support.factories import Workspace
from app.tests.test_api.sessions.devices import FIREFOX, PATH, listed, on_device, own_id
from app.utils.times import rfc3339

pytestmark = pytest.mark.anyio


async def test_one_s_own_logins_the_newest_first(anonymous: Client, user: User, workspace: Workspace) -> None:
    browser, terminal = await on_device(anonymous, user), await on_device(anonymous, user, "curl/8.5.0")
    found = await listed(browser)
    assert [(one["device"], one["current"]) for one in found] == [
        ("curl", False),
        ("Firefox on Linux", True),
    ]
    assert [one["current"] for one in await listed(terminal)] == [True, False]
    mine = found[1]
    assert mine["client"] == FIREFOX
    assert mine["methods"] == ["pwd"]
    assert mine["remember_me"] is False
    assert mine["created_at"] == mine["authenticated_at"]
    await check_not_modified(browser, PATH)


async def test_where_and_when_each_was_used(
    app: object, anonymous: Client, services: Services, user: User, clock: TestClock
) -> None:
    device = await on_device(anonymous, user)
    before: Any = (await listed(device))[0]
    assert before["address"].startswith("2001:db8:")
    assert before["last_address"] == before["address"]
    await services.last_uses.flush()
    before = await stored(services, Session, before["id"])
    clock.forward(minutes=5)
    transport = ASGITransport(app=app, client=("192.0.2.17", 4711))  # type: ignore[arg-type] # it is one
    async with AsyncClient(transport=transport, base_url="http://pastis.test") as http:
        ok(await Client(http, device.token).get("/api/v1/me"))
    assert await stored(services, Session, before["_id"]) == before, "it is written beside the requests"
    await services.last_uses.flush()
    (after,) = await listed(device)
    assert (after["address"], after["last_address"]) == (before["address"], "192.0.2.17")
    assert after["last_seen_at"] > rfc3339(before["last_seen_at"])


async def test_many_requests_are_one_write(
    anonymous: Client, services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    note = queries.note_uses

    async def count(database: object, uses: Any) -> None:
        writes.append(len(uses))
        await note(services.database, uses)

    # Without the process's own task, whose minute may be over at any moment.
    monkeypatch.setattr(services, "last_uses", LastUses(services.sessions.note_uses, services.clock))
    monkeypatch.setattr(queries, "note_uses", count)
    task = await workspace.task()
    for _ in range(10):
        ok(await workspace.api.get(f"/tasks/{task['id']}"))
        ok(await workspace.member.get("/labels"))
    await services.last_uses.flush()
    await services.last_uses.flush()
    assert writes == [2]


async def test_uses_are_written_now_and_then_and_at_the_end(
    services: Services, anonymous: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await own_id(await on_device(anonymous, user))
    monkeypatch.setattr(jobs, "INTERVAL_SECONDS", 0.01)
    kept: Any = None
    later = system_now() + timedelta(days=1)
    uses = LastUses(services.sessions.note_uses, TestClock())
    uses._clock.now = lambda: later
    uses.start()
    uses.note(session_id, "192.0.2.1")
    for _ in range(500):
        kept = await stored(services, Session, session_id)
        if kept["last_address"] == "192.0.2.1":
            break
        await asyncio.sleep(0.01)
    assert kept["last_seen_at"] == later
    # What is noted late does not undo what another process saw meanwhile.
    uses._clock.now = lambda: later - timedelta(seconds=1)
    uses.note(session_id, "192.0.2.2")
    await uses.close()
    assert await stored(services, Session, session_id) == kept
    uses = LastUses(services.sessions.note_uses, TestClock())
    uses._clock.now = lambda: later + timedelta(seconds=1)
    uses.note(session_id, "192.0.2.3")
    await uses.close()
    kept = await stored(services, Session, session_id)
    assert kept["last_address"] == "192.0.2.3"


async def test_logins_of_before_this_was_kept(anonymous: Client, services: Services, user: User) -> None:
    device = await on_device(anonymous, user)
    missing = dict.fromkeys(("address", "last_address", "last_seen_at"), "")
    await services.database.collection(Session).update_one({"user_id": user.id}, {"$unset": missing})
    (one,) = await listed(device)
    assert (one["address"], one["last_seen_at"]) == ("", one["created_at"])


async def test_ended_ones_are_left_out(anonymous: Client, user: User, clock: TestClock) -> None:
    await on_device(anonymous, user)
    clock.forward(hours=13)
    device = await on_device(anonymous, user)
    assert len(await listed(device)) == 1
