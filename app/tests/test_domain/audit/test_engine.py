"""The audit log in the database: appended by many, tampered with, shortened."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.models.audit import AuditEntry, AuditHead, AuditKind
from app.services.audit import AuditEngine, queries
from app.services.audit.queries import Appended
from app.services.audit.rules import SERVER, Flaw
from app.services.bootstrap import Services
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace, make_user
from app.tests.support.origins import coming_from
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
def user_id() -> str:
    return new_id()


@pytest.fixture
async def made(services: Services, user_id: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A chain of five entries, which is tampered with and then thrown away.

    All chains are looked at, and those of other tests are many: here it is the only one.
    """
    every, older = queries.chains, queries.chains_older

    async def chains(database: Database) -> dict[str, Doc | None]:
        return {name: head for name, head in (await every(database)).items() if name == user_id}

    async def chains_older(database: Database, cutoff: datetime) -> list[str]:
        return [name for name in await older(database, cutoff) if name == user_id]

    monkeypatch.setattr(queries, "chains", chains)
    monkeypatch.setattr(queries, "chains_older", chains_older)
    for number in range(5):
        await services.audit.record(AuditKind.LOGIN_CREATE, user_id, number=number)
    yield user_id
    await services.database.collection(AuditEntry).delete_many({"chain": user_id})
    await services.database.collection(AuditHead).delete_one({"_id": user_id})


async def entries(services: Services, chain: str) -> list[Doc]:
    return [entry async for entry in queries.entries(services.database, chain)]


async def flaws(services: Services, chain: str) -> list[tuple[int, Flaw]]:
    async for name, _, _, findings in services.audit.verify():
        if name == chain:
            return [(one.n, one.flaw) for one in findings]
    raise AssertionError("the chain is not looked at")


async def test_an_entry_says_who_what_when_and_from_where(
    services: Services, user_id: str, clock: TestClock
) -> None:
    with coming_from("192.0.2.1", "pastis-web/1"):
        await services.audit.record(AuditKind.LOGIN_FAIL, user_id, method="pwd")
    (entry,) = await entries(services, user_id)
    assert abs(entry["at"] - clock.now()) < timedelta(seconds=30)
    told = {
        name: entry[name] for name in ("chain", "n", "kind", "user_id", "address", "client", "detail", "seq")
    }
    assert told == {
        "chain": user_id,
        "n": 1,
        "kind": "login.fail",
        "user_id": user_id,
        "address": "192.0.2.1",
        "client": "pastis-web/1",
        "detail": {"method": "pwd"},
        "seq": None,
    }
    assert entry["previous_hash"] == ""
    assert await flaws(services, user_id) == []


async def test_what_belongs_to_nobody_is_the_servers(services: Services) -> None:
    await services.audit.record(AuditKind.LOGIN_FAIL, method="pwd")
    last = (await entries(services, SERVER))[-1]
    assert (last["user_id"], last["workspace_ids"]) == (None, [])


async def test_it_belongs_to_the_workspaces_of_then(services: Services, workspace: Workspace) -> None:
    member, outsider = workspace.users["member"], await make_user(services)
    await services.audit.record(AuditKind.LOGIN_CREATE, member.id)
    await services.audit.record(AuditKind.LOGIN_CREATE, outsider.id)
    assert (await entries(services, member.id))[-1]["workspace_ids"] == [workspace.id]
    assert (await entries(services, outsider.id))[-1]["workspace_ids"] == []


async def test_many_processes_append_to_one_chain(
    services: Services, user_id: str, test_settings: object, clock: TestClock
) -> None:
    processes = [AuditEngine(services.database, services.settings, clock, services.secret) for _ in range(4)]
    await asyncio.gather(
        *(one.record(AuditKind.LOGIN_CREATE, user_id, number=n) for one in processes for n in range(8))
    )
    numbers = [entry["n"] for entry in await entries(services, user_id)]
    assert numbers == list(range(1, 33))
    assert await flaws(services, user_id) == []
    head = await services.database.collection(AuditHead).find_one({"_id": user_id})
    assert head is not None
    assert head["n"] == 32


async def test_who_never_gets_a_number_says_so(
    services: Services, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raced(*_: object) -> Appended:
        return Appended.RACED

    monkeypatch.setattr(queries, "append", raced)
    monkeypatch.setattr("app.services.audit.engine.ATTEMPTS", 3)
    with pytest.raises(PastisError) as caught:
        await services.audit.record(AuditKind.LOGIN_CREATE, user_id)
    assert caught.value.code is ErrorCode.OVERLOADED


async def test_a_change_is_named(services: Services, made: str) -> None:
    await services.database.collection(AuditEntry).update_one(
        {"_id": f"{made}:3"}, {"$set": {"address": "198.51.100.1"}}
    )
    assert await flaws(services, made) == [(3, Flaw.CHANGED)]


async def test_a_removal_is_named(services: Services, made: str) -> None:
    await services.database.collection(AuditEntry).delete_one({"_id": f"{made}:3"})
    assert await flaws(services, made) == [(3, Flaw.MISSING)]


async def test_a_cut_tail_is_named_and_stays_named(services: Services, made: str) -> None:
    await services.database.collection(AuditEntry).delete_many({"chain": made, "n": {"$gte": 4}})
    assert await flaws(services, made) == [(4, Flaw.CUT_OFF)]
    await services.audit.record(AuditKind.LOGIN_CREATE, made)
    assert await flaws(services, made) == [(4, Flaw.MISSING)]


async def test_a_whole_chain_that_is_gone_is_named(services: Services, made: str) -> None:
    await services.database.collection(AuditEntry).delete_many({"chain": made})
    assert await flaws(services, made) == [(1, Flaw.CUT_OFF)]


async def test_a_head_that_is_gone_is_named(services: Services, made: str) -> None:
    await services.database.collection(AuditHead).delete_one({"_id": made})
    assert await flaws(services, made) == [(5, Flaw.HEADLESS)]


async def test_an_insertion_is_named(services: Services, made: str) -> None:
    last = (await entries(services, made))[-1]
    forged = {**last, "_id": f"{made}:6", "n": 6, "previous_hash": "0" * 64}
    await services.database.collection(AuditEntry).insert_one(forged)
    assert await flaws(services, made) == [(6, Flaw.UNLINKED), (6, Flaw.CHANGED)]


async def test_what_is_too_old_goes_and_the_rest_still_verifies(
    services: Services, made: str, clock: TestClock
) -> None:
    clock.forward(days=services.settings.audit_days - 1)
    await services.audit.record(AuditKind.PASSWORD_CHANGE, made)
    clock.forward(days=2)
    await services.audit.shorten()
    assert [entry["n"] for entry in await entries(services, made)] == [6]
    assert await flaws(services, made) == []
    await services.audit.record(AuditKind.PASSWORD_CHANGE, made)
    assert [entry["n"] for entry in await entries(services, made)] == [6, 7]
    assert await flaws(services, made) == []


async def test_a_chain_may_age_whole_and_goes_on(services: Services, made: str, clock: TestClock) -> None:
    clock.forward(days=services.settings.audit_days + 1)
    await services.audit.shorten()
    assert await entries(services, made) == []
    assert await flaws(services, made) == []
    await services.audit.record(AuditKind.LOGIN_CREATE, made)
    assert [entry["n"] for entry in await entries(services, made)] == [6]
    assert await flaws(services, made) == []


async def test_what_was_left_over_by_a_crash_while_shortening_is_no_flaw(
    services: Services, made: str
) -> None:
    third = (await entries(services, made))[2]
    floor = {"floor": 3, "floor_hash": third["hash"]}
    await services.database.collection(AuditHead).update_one({"_id": made}, {"$set": floor})
    assert await flaws(services, made) == []
