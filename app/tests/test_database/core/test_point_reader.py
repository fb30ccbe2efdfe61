"""Point reads that arrive together share a query, and nobody gets another's answer."""

import asyncio
from collections.abc import Collection
from typing import Any

import orjson
import pytest
from pymongo.errors import AutoReconnect

from app.core import rounds
from app.core.database.point_reader import PointReader
from app.core.database.sent_on import IN_BYTES
from app.core.documents import SentOn
from app.core.rounds import MOST_TOGETHER
from app.models.tasks import Task
from app.services.bootstrap import Services
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

PLACE = {"workspace_id": "a workspace", "project_id": "a project"}


class Counted(PointReader):
    """Counts its queries; fails them where told to."""

    failing = False

    def __init__(self, collection: Any, projection: dict[str, Any]) -> None:
        super().__init__(collection.with_options(codec_options=IN_BYTES), Task, projection)
        self.queries: list[int] = []

    async def _find(self, ids: Collection[str]) -> dict[str, SentOn]:
        self.queries.append(len(ids))
        if self.failing:
            raise AutoReconnect("gone")
        return await super()._find(ids)


class Held(Counted):
    """Its queries stand still until they are released."""

    def __init__(self, collection: Any, projection: dict[str, Any]) -> None:
        super().__init__(collection, projection)
        self.release = asyncio.Event()

    async def _find(self, ids: Collection[str]) -> dict[str, SentOn]:
        self.queries.append(len(ids))
        await self.release.wait()
        return await PointReader._find(self, ids)

    async def asked(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.queries) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


@pytest.fixture
async def reader(services: Services) -> Counted:
    return Counted(services.database.raw("points"), {"secret": 0})


async def filled(services: Services, count: int) -> list[str]:
    ids = [new_id() for _ in range(count)]
    await services.database.raw("points").insert_many(
        [{"_id": id_, **PLACE, "version": n, "secret": "canary"} for n, id_ in enumerate(ids)]
    )
    return ids


async def version(reader: PointReader, id_: str) -> int | None:
    found = await reader.get(id_)
    return None if found is None else found.version


async def test_reads_of_one_tick_are_one_query(services: Services, reader: Counted) -> None:
    ids = await filled(services, 20)
    absent = new_id()
    found = await asyncio.gather(*(reader.get(id_) for id_ in [*ids, absent, ids[3]]))
    shown = [None if one is None else orjson.loads(one.json) for one in found[:20]]
    assert shown == [{"id": id_, **PLACE, "version": n} for n, id_ in enumerate(ids)]
    assert found[0] == SentOn({"_id": ids[0], **PLACE}, 0, orjson.dumps(shown[0]))
    assert found[20] is None
    assert found[21] == found[3]
    assert reader.queries == [21]


async def test_a_lone_read_and_very_many(services: Services, reader: Counted) -> None:
    ids = await filled(services, MOST_TOGETHER + 5)
    assert await version(reader, ids[0]) == 0
    found = await asyncio.gather(*(reader.get(id_) for id_ in ids))
    assert [one.version for one in found if one] == list(range(len(ids)))
    assert reader.queries == [1, MOST_TOGETHER, 5]


async def test_all_who_wait_hear_of_a_failure_and_the_next_read_works(
    services: Services, reader: Counted
) -> None:
    ids = await filled(services, 2)
    reader.failing = True
    results = await asyncio.gather(*(reader.get(id_) for id_ in ids), return_exceptions=True)
    assert [type(result) for result in results] == [AutoReconnect, AutoReconnect]
    reader.failing = False
    assert await version(reader, ids[1]) == 1


async def test_one_who_leaves_does_not_take_the_answer_of_others(services: Services, reader: Counted) -> None:
    [id_] = await filled(services, 1)
    leaving, staying = (asyncio.create_task(reader.get(id_)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    found = await staying
    assert found is not None
    assert found.version == 0
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_reads_that_come_meanwhile_share_the_next_query(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PATIENCE_SECONDS", 60.0)
    ids = await filled(services, 6)
    reader = Held(services.database.raw("points"), {"secret": 0})
    reads = [asyncio.create_task(version(reader, ids[0]))]
    await reader.asked(1)
    for id_ in ids[1:]:
        reads.append(asyncio.create_task(version(reader, id_)))
        await asyncio.sleep(0)
    reader.release.set()
    assert await asyncio.gather(*reads) == list(range(6))
    assert reader.queries == [1, 5]


async def test_nobody_waits_long_for_queries_that_stand_still(services: Services) -> None:
    ids = await filled(services, 4)
    reader = Held(services.database.raw("points"), {"secret": 0})
    reads: list[asyncio.Task[int | None]] = []
    for count, id_ in enumerate(ids, 1):
        reads.append(asyncio.create_task(version(reader, id_)))
        await reader.asked(count)
    reader.release.set()
    assert await asyncio.gather(*reads) == list(range(4))
