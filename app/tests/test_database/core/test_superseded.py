"""What waits for a primary that is none any more is broken off, as soon as the new one is known."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.errors import AutoReconnect
from pymongo.server_type import SERVER_TYPE

from app.core.config import Settings
from app.core.database.engine import Database, unhurried
from app.core.database.superseded import SupersededPrimaries

pytestmark = pytest.mark.anyio
WAITS_MS = 1500
UNDER_WAY_SECONDS = 0.3


def topology(servers: list[Any]) -> SimpleNamespace:
    here = {(host, port): SimpleNamespace(server_type=kind) for host, port, kind in servers}
    return SimpleNamespace(server_descriptions=lambda: here)


def event(before: list[Any], after: list[Any]) -> Any:
    return SimpleNamespace(previous_description=topology(before), new_description=topology(after))


async def ask_and_wait(database: Database) -> Any:
    """A question that the server answers late, as it waits for a change of itself."""
    told = await database.client.admin.command("hello")
    question = {"hello": 1, "topologyVersion": told["topologyVersion"], "maxAwaitTimeMS": WAITS_MS}
    with unhurried():
        return await database.client.admin.command(question)


@pytest.fixture
async def database(test_settings: Settings) -> AsyncIterator[Database]:
    """A connection of our own, which may be broken."""
    opened = Database.connect(test_settings)
    yield opened
    await opened.close()


async def change(database: Database, *others: Any) -> None:
    """Have the listener hear, while something waits, that the primary is none any more."""
    listener = SupersededPrimaries()
    listener.client = database.client
    address = await database.client.address
    assert address is not None
    await asyncio.sleep(UNDER_WAY_SECONDS)
    now = [(*address, SERVER_TYPE.Unknown), *others]
    listener.description_changed(event([(*address, SERVER_TYPE.RSPrimary)], now))


async def test_what_waits_for_a_former_primary_is_broken_off(database: Database) -> None:
    waiting = asyncio.create_task(ask_and_wait(database))
    await change(database, ("127.0.0.1", 9, SERVER_TYPE.RSPrimary))
    with pytest.raises(AutoReconnect):
        await waiting


async def test_a_primary_that_is_only_unknown_is_waited_for(database: Database) -> None:
    """It may be back in a moment, and its answer may be on the way."""
    waiting = asyncio.create_task(ask_and_wait(database))
    await change(database)
    assert (await waiting)["ok"] == 1.0


async def test_a_client_breaks_off_by_itself(database: Database) -> None:
    """It is given to each client, and knows it."""
    listeners = database.client.options.event_listeners
    found = [one for one in listeners if isinstance(one, SupersededPrimaries)]
    assert [one.client for one in found] == [database.client]
