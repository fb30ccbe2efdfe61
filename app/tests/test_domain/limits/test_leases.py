"""The API's limit: portions of a shared bucket, spent without asking."""

import asyncio
import timeit

import pytest
from pymongo.errors import ConnectionFailure

from app.services.bootstrap import Services
from app.services.limits import queries
from app.services.limits.leases import Leases
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def spend_all(leases: Leases, key: str, most: int = 10_000) -> int:
    for count in range(most):
        if not (await leases.ask(key))[1]:
            return count
    return most


async def test_one_process_gets_the_limit(services: Services) -> None:
    leases = Leases(services.database, new_id(), 60)
    granted = await spend_all(leases, "one")
    assert 60 <= granted <= 62  # a second or two may have passed
    lease, given = await leases.ask("one")
    assert not given
    assert 0 < leases.seconds_until(lease) <= 1
    assert await spend_all(leases, "other") >= 60


async def test_processes_share_the_limit(services: Services) -> None:
    name = new_id()
    processes = [Leases(services.database, name, 600) for _ in range(4)]
    granted = await asyncio.gather(*(spend_all(one, "key") for one in processes))
    # Ten come in each second that the test takes.
    assert 600 <= sum(granted) <= 600 + 40


async def test_one_request_of_a_portion_asks(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    take = queries.take

    async def counted(database: object, bucket_id: str, *rest: object) -> object:
        asked.append(bucket_id)
        return await take(database, bucket_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "take", counted)
    leases = Leases(services.database, new_id(), 6_000)
    assert leases.portion == 100
    answers = await asyncio.gather(*(leases.ask("key") for _ in range(250)))
    assert all(given for _, given in answers)
    assert len(asked) == 3
    assert leases.left(answers[-1][0]) == pytest.approx(6_000 - 250, abs=30)


async def test_an_exhausted_key_is_not_asked_for(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    leases = Leases(services.database, new_id(), 1)
    assert await spend_all(leases, "key") == 1
    monkeypatch.setattr(queries, "take", None)
    assert not (await leases.ask("key"))[1]


async def test_a_database_that_is_away_refuses_nobody(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionFailure

    monkeypatch.setattr(queries, "take", away)
    leases = Leases(services.database, new_id(), 60)
    assert (await leases.ask("key"))[1]

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(queries, "take", broken)
    with pytest.raises(ZeroDivisionError):
        await leases.ask("other")


async def test_keys_are_forgotten_before_they_are_too_many(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.limits.leases.MAX_LEASES", 5)
    leases = Leases(services.database, new_id(), 60)
    for number in range(12):
        await leases.ask(str(number))
        assert len(leases._leases) <= 5


async def test_a_request_costs_a_look_up(services: Services) -> None:
    leases = Leases(services.database, new_id(), 6_000_000)
    await leases.ask("key")
    seconds = min(timeit.repeat(lambda: leases.spend("key"), number=10_000, repeat=3)) / 10_000
    assert seconds < 20e-6  # it is well under one microsecond on a machine at rest
