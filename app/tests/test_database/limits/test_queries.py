"""The shared bucket: one atomic update, by the server's clock."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.core.documents import Doc
from app.models.limits import Bucket
from app.services.bootstrap import Services
from app.services.limits import queries
from app.services.limits.rules import Level, Rate, take
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
SLOW = Rate(10, 0.001)


async def stored(services: Services, bucket_id: str) -> Doc:
    found = await services.database.collection(Bucket).find_one({"_id": bucket_id})
    assert found is not None
    return found


async def turn_back(services: Services, bucket_id: str, seconds: float) -> None:
    """As if so much time had passed since the bucket was touched."""
    before = await stored(services, bucket_id)
    earlier = {"at": before["at"] - timedelta(seconds=seconds)}
    await services.database.collection(Bucket).update_one({"_id": bucket_id}, {"$set": earlier})


async def test_a_hundred_at_once_get_what_is_there(services: Services) -> None:
    key = new_id()
    found = await asyncio.gather(*(queries.take(services.database, key, SLOW, 1) for _ in range(100)))
    assert sum(one.count for one in found) == 10
    assert all(0 <= one.left <= 10 for one in found)


@pytest.mark.parametrize("seconds", [0.0, 0.4, 1.0, 7.3, 1_000.0, -30.0])
@pytest.mark.parametrize("wanted", [1, 5, 100])
async def test_it_does_as_the_rules_say(services: Services, seconds: float, wanted: int) -> None:
    rate, key = Rate(20, 2.0), new_id()
    first = await queries.take(services.database, key, rate, 13)
    assert (first.count, first.left) == (13, 7.0)
    await turn_back(services, key, seconds)
    before = await stored(services, key)
    found = await queries.take(services.database, key, rate, wanted)
    after = await stored(services, key)
    now = max(after["at"], before["at"]).timestamp()
    expected, taken = take(rate, Level(before["tokens"], before["at"].timestamp()), now, wanted)
    assert found.count == taken
    assert after["tokens"] == pytest.approx(expected.tokens, abs=1e-3)
    assert found.left == after["tokens"]
    assert after["at"] >= before["at"]


async def test_what_is_given_back_does_not_overfill(services: Services) -> None:
    key = new_id()
    await queries.take(services.database, key, SLOW, 1)
    for _ in range(5):
        await queries.give_back(services.database, [key])
    assert (await queries.take(services.database, key, SLOW, 100)).count == 10


async def test_to_a_bucket_that_is_gone_nothing_is_given_back(services: Services) -> None:
    key = new_id()
    await queries.give_back(services.database, [key])
    assert await services.database.collection(Bucket).find_one({"_id": key}) is None


async def test_a_full_bucket_may_go(services: Services) -> None:
    """It expires when it would be full, and not before."""
    key = new_id()
    await queries.take(services.database, key, Rate(60, 1.0), 60)
    bucket = await stored(services, key)
    assert bucket["full_at"] - bucket["at"] == timedelta(seconds=60)
    indexes: Any = await services.database.collection(Bucket).index_information()
    assert indexes["buckets_expire"]["expireAfterSeconds"] >= 0
    assert indexes["buckets_expire"]["key"] == [("full_at", 1)]


async def test_a_transaction_that_fails_takes_nothing_back(services: Services) -> None:
    """The counter of a failing login must not be undone with it."""
    key = new_id()

    async def fails() -> None:
        async with services.database.transaction():
            await queries.take(services.database, key, SLOW, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    assert (await stored(services, key))["tokens"] == 9
