"""Primaries that another server has taken the place of, as they stand still or are cut off from the others.

The driver sends them nothing more, but leaves what waits for their answer to its timeout, and a transaction
to several. So that is broken off as soon as the new primary is known: reads and commits are sent to it by the
driver, and transactions are run again.
"""

import asyncio
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyListener,
    TopologyOpenedEvent,
)
from pymongo.server_type import SERVER_TYPE
from pymongo.topology_description import TopologyDescription

from app.core.database.sessionless import Address, pool_of
from app.core.documents import Doc


class SupersededPrimaries(TopologyListener):
    """Give it to a client as a listener, and the client to it."""

    def __init__(self) -> None:
        self.client: AsyncMongoClient[Doc] | None = None
        self._breaking_off: set[asyncio.Task[None]] = set()

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        now = _primaries(event.new_description)
        if not now:
            return
        for address in _primaries(event.previous_description) - now:
            breaking_off = asyncio.ensure_future(self._break_off(address))
            self._breaking_off.add(breaking_off)
            breaking_off.add_done_callback(self._breaking_off.discard)

    async def _break_off(self, address: Address) -> None:
        pool: Any = pool_of(self.client, address)
        if pool is not None:
            # What the driver does itself where a server's monitor hears nothing for long.
            await pool.reset(interrupt_connections=True)

    def opened(self, event: TopologyOpenedEvent) -> None:
        pass

    def closed(self, event: TopologyClosedEvent) -> None:
        pass


def _primaries(description: TopologyDescription) -> set[Address]:
    servers = description.server_descriptions()
    return {address for address, one in servers.items() if one.server_type == SERVER_TYPE.RSPrimary}
