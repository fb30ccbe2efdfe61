"""Connections made to a server that could not be read from are not used when it can be."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.core.config import Settings
from app.core.database.embedded_servers import Server, find_servers, server_environment
from app.core.database.engine import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
def unfit(tmp_path: Path) -> Iterator[int]:
    """The port of a mongod that is of no replica set yet: neither primary nor secondary."""
    server = next((one for one in find_servers([]) if one.kind == "mongod"), None)
    if server is None:
        pytest.skip("this machine has no mongod")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with _serving(server, tmp_path, port):
        yield port


@contextlib.contextmanager
def _serving(server: Server, folder: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        server.command(folder, port, 0.25), env=server_environment(), stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(20)


@pytest.fixture
async def database(unfit: int, test_settings: Settings) -> AsyncIterator[Database]:
    url = SecretStr(f"mongodb://127.0.0.1:{unfit}/?directConnection=true&heartbeatFrequencyMS=500")
    database = Database.connect(test_settings.model_copy(update={"database_url": url}))
    yield database
    await database.close()


async def test_connections_from_before_a_server_was_well_are_dropped(unfit: int, database: Database) -> None:
    hello = await database.client.admin.command("hello")
    assert not hello.get("isWritablePrimary")
    _make_primary(unfit)

    async with asyncio.timeout(20):
        while not await _can_be_read(database):  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.1)


async def _can_be_read(database: Database) -> bool:
    with contextlib.suppress(PyMongoError):
        async with database.session() as session:
            await database.raw("labels").find_one({}, session=session)
            return True
    return False


def _make_primary(port: int) -> None:
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    with MongoClient[dict[str, object]]("127.0.0.1", port, directConnection=True) as client:
        client.admin.command("replSetInitiate", {"_id": "pastis", "members": members})
