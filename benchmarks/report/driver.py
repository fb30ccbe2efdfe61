"""The driver alone: the same queries and transactions without HTTP, rights or an answer, in this process."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count

from pydantic import SecretStr

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.tasks import Task
from app.utils.ids import new_id
from benchmarks.processes import cpu_seconds
from benchmarks.report.measures import Meter, Row, memory
from benchmarks.report.operations import CREATE, FILTER, LIST, ONE, PATCH, SEARCH, WORD, contended
from benchmarks.sync.stage import Stage

DRIVER = "driver alone"
LIST_FIELDS = {"keys": 0, "derived": 0, "description": 0}
Ask = Callable[[], Awaitable[object]]


class Driver:
    """Writers take turns: transactions that meet at one counter would refuse each other."""

    def __init__(self, database: Database, stage: Stage) -> None:
        self._database = database
        self._tasks = database.collection(Task)
        self._stage = stage
        self._chance = random.Random(1)
        self._numbers = count()
        self._turn = asyncio.Lock()

    def operations(self) -> dict[str, Ask]:
        everything = self._stage.made.workspace_id
        return {
            ONE: lambda: self._tasks.find_one({"_id": self._any(self._stage.made.task_ids)}),
            LIST: lambda: self._list(self._any(self._stage.made.project_ids), {}, "rank", "rank"),
            CREATE: self._create,
            PATCH: self._patch,
            SEARCH: lambda: self._list(
                everything, {"title": {"$regex": WORD, "$options": "i"}}, "rank", "rank"
            ),
            FILTER: lambda: self._list(everything, {"priority": "urgent"}, "derived.due", "due"),
        }

    def _any(self, ids: list[str]) -> str:
        return self._chance.choice(ids)

    async def _list(self, list_id: str, more: Doc, field: str, index: str) -> list[Doc]:
        base = {"workspace_id": self._stage.made.workspace_id, "derived.state": "active"}
        found = self._tasks.find(
            {**base, "derived.lists": list_id, **more},
            LIST_FIELDS,
            sort=[(field, 1), ("_id", 1)],
            limit=51,
            batch_size=51,
            hint=f"tasks_by_{index}",
        )
        return await found.to_list()

    async def _create(self) -> None:
        like = await self._tasks.find_one({"_id": self._stage.made.task_ids[0]})
        assert like is not None
        id_ = new_id()
        await self._write({**like, "_id": id_, "key": id_, "keys": [id_]}, is_new=True)

    async def _patch(self) -> None:
        title = f"Focus is lost when dialog {next(self._numbers)} closes"
        await self._write({"_id": self._any(contended(self._stage)), "title": title}, is_new=False)

    async def _write(self, doc: Doc, *, is_new: bool) -> None:
        """A counter is moved, a task and an event are written."""
        now, workspace_id = datetime.now(UTC), self._stage.made.workspace_id
        async with self._turn, self._database.transaction() as session:
            head = await self._database.raw("driver_heads").find_one_and_update(
                {"_id": workspace_id},
                {"$inc": {"seq": 1}},
                upsert=True,
                return_document=True,
                session=session,
            )
            if is_new:
                await self._tasks.insert_one({**doc, "updated_at": now}, session=session)
            else:
                changes = {"title": doc["title"], "updated_at": now}
                await self._tasks.update_one({"_id": doc["_id"]}, {"$set": changes}, session=session)
            assert head is not None
            event = {"_id": new_id(), "seq": head["seq"], "at": now, "ops": [doc]}
            await self._database.raw("driver_events").insert_one(event, session=session)


async def measure(stage: Stage, meter: Meter, operations: list[str], connections: int) -> list[Row]:
    """On the core of the servers."""
    core = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {stage.core})
    settings = Settings(database_url=SecretStr(stage.url), database_name="bench", _env_file=None)
    database = Database.connect(settings)
    try:
        asks = Driver(database, stage).operations()
        return [await _measure(meter, name, asks[name], connections) for name in operations]
    finally:
        await database.close()
        os.sched_setaffinity(0, core)


async def _measure(meter: Meter, operation: str, ask: Ask, connections: int) -> Row:
    latencies: list[float] = []
    began = time.perf_counter()

    async def work() -> None:
        while (sent := time.perf_counter()) < began + meter.seconds:
            await ask()
            latencies.append(time.perf_counter() - sent)

    pid = os.getpid()
    before, database = cpu_seconds(pid), cpu_seconds(meter.database_pid)
    await asyncio.gather(*(work() for _ in range(connections)))
    seconds = time.perf_counter() - began
    used, of_database = cpu_seconds(pid) - before, cpu_seconds(meter.database_pid) - database
    ordered, requests = sorted(latencies), len(latencies)
    p50, p99 = (ordered[int(requests * share)] * 1e3 for share in (0.5, 0.99))
    cpu, database_cpu = used / requests * 1e3, of_database / requests * 1e3
    return Row(
        DRIVER,
        operation,
        connections,
        meter.tasks,
        meter.round,
        requests / seconds,
        p50,
        p99,
        cpu,
        database_cpu,
        *memory([pid]),
    )
