"""A connection's protocol, with an end to what a client may dribble, leave unread, or have us keep.

The server bounds none of this by itself. A proxy would, but not everybody has one.

What it writes is sent once a turn of the event loop (`gathered.py`).
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.commands.gathered import GatheredTransport

HEAD_SECONDS = 20.0
"""How long a request's head may take, from its first byte, or from the connection on."""
MAX_HEAD_BYTES = 65_536
"""What is kept of a head that is not whole; what a whole one may have, the request layer says."""
BODY_SECONDS = 30.0
BODY_BYTES_PER_SECOND = 500
"""A body may take as long as it likes that comes as fast, looked at each time after so many seconds."""
UNREAD_SECONDS = 30.0
"""How long a client may take nothing of an answer that it was sent."""


class BoundedProtocol(HttpToolsProtocol):
    """Drops the connection of a client that goes beyond the bounds."""

    _in_head = True
    _in_body = False
    _received = 0
    _timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._gathered = GatheredTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._gathered))
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        self._forget_unread()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        if self._in_head and self._received > MAX_HEAD_BYTES:
            self.transport.abort()
        elif not self._in_head and not self._in_body:
            self._wait(None)
        elif self._timer is None:
            # Most requests are whole in one piece, and need no timer.
            self._wait(HEAD_SECONDS if self._in_head else BODY_SECONDS)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._received = 0

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body = False, True
        self._received = 0
        self._wait(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._in_head = self._in_body = False
        self._wait(None)
        # The socket's own protocol needs a real one, and writes its messages whole.
        self._gathered.send()
        self.transport = self._gathered.inner
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Behind the sending itself.
        self.loop.call_soon(self._see_taken, None)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._see_taken(None)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_unread()

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        # While the application has enough, it is not the client who is slow.
        paused: bool = self.flow.read_paused
        if self._in_head or not (paused or self._received >= BODY_SECONDS * BODY_BYTES_PER_SECOND):
            self.transport.abort()
            return
        self._received = 0
        self._wait(BODY_SECONDS)

    def _forget_unread(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()

    def _see_taken(self, before: int | None) -> None:
        """Look again and again whether an answer is being taken, as long as some of it is left."""
        self._forget_unread()
        transport: Any = self.transport
        left = transport.get_write_buffer_size()
        if before is not None and left >= before:
            transport.abort()
        elif left:
            self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self._see_taken, left)
