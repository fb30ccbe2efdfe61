"""Connections that can do nothing, which the driver would keep and hand out for ever.

PyMongo asks a server once, when it connects, whether there are sessions. One that is neither primary nor
secondary then, as while it rolls back what others have not, has none; when it is well again its connections
still refuse every operation. So they are dropped as soon as it is.
"""

import asyncio
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    ServerClosedEvent,
    ServerDescriptionChangedEvent,
    ServerListener,
    ServerOpeningEvent,
)

from app.core.documents import Doc

Address = tuple[str, int | None]


class SessionlessConnections(ServerListener):
    """Give it to a client as a listener, and the client to it."""

    def __init__(self) -> None:
        self.client: AsyncMongoClient[Doc] | None = None
        self._unfit: set[Address] = set()
        """Servers that have answered, but could not be read from, since they last could."""
        self._resets: set[asyncio.Task[None]] = set()

    def description_changed(self, event: ServerDescriptionChangedEvent) -> None:
        now = event.new_description
        if not now.is_readable:
            if now.is_server_type_known:
                self._unfit.add(event.server_address)
        elif event.server_address in self._unfit:
            self._unfit.remove(event.server_address)
            reset = asyncio.ensure_future(self._drop(event.server_address))
            self._resets.add(reset)
            reset.add_done_callback(self._resets.discard)

    async def _drop(self, address: Address) -> None:
        pool = pool_of(self.client, address)
        if pool is not None:
            # What the driver does itself when a server forgets its connections.
            await pool.reset_without_pause()

    def opened(self, event: ServerOpeningEvent) -> None:
        pass

    def closed(self, event: ServerClosedEvent) -> None:
        self._unfit.discard(event.server_address)


def pool_of(client: AsyncMongoClient[Doc] | None, address: Address) -> Any:
    """The connections to a server, None where it is gone; the driver has no public way to them."""
    topology: Any = client._topology  # type: ignore[union-attr]  # noqa: SLF001
    server = topology._servers.get(address)  # noqa: SLF001
    return None if server is None else server.pool
