"""Point reads that arrive together share a query, and nobody gets another's answer."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from app.core.database.point_reader import PointReader
from app.core.rounds import MOST_TOGETHER
from app.services.bootstrap import Services
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


class Counted(PointReader):
    """Counts its queries; fails them where told to."""

    failing = False

    def __init__(self, collection: Any, projection: dict[str, Any]) -> None:
        super().__init__(collection, projection)
        self.queries: list[int] = []

    async def _find(self, ids: Collection[str]) -> dict[str, dict[str, Any]]:
        self.queries.append(len(ids))
        if self.failing:
            raise AutoReconnect("gone")
        return await super()._find(ids)


@pytest.fixture
async def reader(services: Services) -> Counted:
    return Counted(services.database.raw("points"), {"secret": 0})


async def filled(services: Services, count: int) -> list[str]:
    ids = [new_id() for _ in range(count)]
    await services.database.raw("points").insert_many(
        [{"_id": id_, "n": n, "secret": "canary"} for n, id_ in enumerate(ids)]
    )
    return ids


async def test_reads_of_one_tick_are_one_query(services: Services, reader: Counted) -> None:
    ids = await filled(services, 20)
    absent = new_id()
    found = await asyncio.gather(*(reader.get(id_) for id_ in [*ids, absent, ids[3]]))
    assert found[:20] == [{"_id": id_, "n": n} for n, id_ in enumerate(ids)]
    assert found[20] is None
    assert found[21] == found[3]
    assert reader.queries == [21]


async def test_a_lone_read_and_very_many(services: Services, reader: Counted) -> None:
    ids = await filled(services, MOST_TOGETHER + 5)
    assert (await reader.get(ids[0]) or {})["n"] == 0
    found = await asyncio.gather(*(reader.get(id_) for id_ in ids))
    assert [doc["n"] for doc in found if doc] == list(range(len(ids)))
    assert reader.queries == [1, MOST_TOGETHER, 5]


async def test_all_who_wait_hear_of_a_failure_and_the_next_read_works(
    services: Services, reader: Counted
) -> None:
    ids = await filled(services, 2)
    reader.failing = True
    results = await asyncio.gather(*(reader.get(id_) for id_ in ids), return_exceptions=True)
    assert [type(result) for result in results] == [AutoReconnect, AutoReconnect]
    reader.failing = False
    assert (await reader.get(ids[1]) or {})["n"] == 1


async def test_one_who_leaves_does_not_take_the_answer_of_others(services: Services, reader: Counted) -> None:
    [id_] = await filled(services, 1)
    leaving, staying = (asyncio.create_task(reader.get(id_)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying or {})["n"] == 0
    with pytest.raises(asyncio.CancelledError):
        await leaving
