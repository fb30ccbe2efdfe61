"""The doorbell's place in the database's own log is gone: it is opened anew, and nothing has been missed."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from pastis_client import Client
from pymongo import AsyncMongoClient

from app.core.documents import Doc
from chaos.arena import prepare
from chaos.replica_set import ReplicaSet
from chaos.service import Service

pytestmark = pytest.mark.anyio

LITTLE = ("--oplogSize", "16", "--syncdelay", "1")
"""In MB; and how often in seconds it lets go of what its files have."""
FILLER_BYTES = 512 * 1024
MOST_FILLERS = 500
PATIENCE_SECONDS = 30.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[ReplicaSet]:
    """A server that remembers little of what was written."""
    found = ReplicaSet(tmp_path / "database", 1, LITTLE)
    try:
        await found.start()
        yield found
    finally:
        found.end()
        shutil.rmtree(tmp_path)


@pytest.fixture
async def services(tmp_path: Path, database: ReplicaSet) -> AsyncIterator[list[Service]]:
    found = [Service(tmp_path / f"service{number}", 5.0, database.url) for number in range(2)]
    try:
        for service in found:
            service.folder.mkdir()
            await service.start()
        yield found
    finally:
        for service in found:
            service.kill()


async def oldest(client: AsyncMongoClient[Doc]) -> Doc:
    """The time of the first thing that the database remembers having written."""
    found = await client["local"]["oplog.rs"].find_one({}, {"ts": 1}, sort=[("$natural", 1)])
    assert found is not None
    return found


async def roll_over(client: AsyncMongoClient[Doc]) -> None:
    """Write until the database has forgotten what it remembered first."""
    before = await oldest(client)
    for number in range(MOST_FILLERS):
        await client["filler"]["filler"].insert_one({"_id": number, "text": os.urandom(FILLER_BYTES)})
        if (await oldest(client))["ts"] != before["ts"]:
            return
    raise AssertionError("the database forgets nothing")


async def test_a_process_that_slept_through_it_tells_everything(
    database: ReplicaSet, services: list[Service]
) -> None:
    writing, sleeping = services
    arena = await prepare(services)
    mongo: AsyncMongoClient[Doc] = AsyncMongoClient(database.url)
    http = httpx2.AsyncClient(
        base_url=f"{writing.url}{arena.path}", headers={"Authorization": f"Bearer {arena.tokens[0]}"}
    )

    async def write() -> int:
        answer = await http.post("/tasks", json={"project_id": "FLUID", "title": "Focus is lost"})
        assert answer.status_code == 201, answer.text
        return int(answer.headers["pastis-event"])

    async with (
        mongo,
        http,
        Client(sleeping.url, token=arena.tokens[0]) as client,
        client.workspace(arena.workspace_id) as live,
    ):
        await live.reached(await write())
        sleeping.pause()
        await write()
        await roll_over(mongo)
        last = await write()
        sleeping.go_on()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await live.reached(last)
            await anew(sleeping)
            await live.reached(await write())
        assert len([one async for one in client.workspace(arena.workspace_id).calls.tasks()]) == 4
        assert [live.number] == [last + 1]


async def anew(service: Service) -> None:
    """Until the doorbell has been opened anew."""
    for _ in range(int(PATIENCE_SECONDS / 0.1)):
        if "the doorbell is silent" in log_of(service):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the doorbell heard everything")


def log_of(service: Service) -> str:
    return service.said.read_text() + "".join(path.read_text() for path in service.data_dir.rglob("*.log"))
