"""A transport that sends once what one turn of the event loop leaves for a client.

The server writes an answer's head and body apart, each of which costs a call of the system, and wakes the
client for the head alone. Answers that are ready in one turn go out behind each other here.
"""

import asyncio
from typing import Any

MOST_BYTES = 65_536
"""So much is kept: who writes more must learn when the client takes no more."""


class GatheredTransport:
    """In the place of a transport, whose other methods it passes on."""

    __slots__ = ("_loop", "_parts", "_size", "inner")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.inner = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self.send)
        self._parts.append(data)
        self._size += len(data)
        if self._size >= MOST_BYTES:
            self.send()

    def send(self) -> None:
        """Send what is there, at once."""
        if self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts, self._size = [], 0
            self.inner.write(data)

    def close(self) -> None:
        self.send()
        self.inner.close()

    def abort(self) -> None:
        self._parts, self._size = [], 0
        self.inner.abort()
