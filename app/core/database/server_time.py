"""What time it is by the database: the one clock that all processes share."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)

from app.core.clock import system_now

REMEMBERED = 6
"""Heartbeats, of which one comes every ten seconds."""


class ServerTime(ServerHeartbeatListener):
    """The primary's clock, as its heartbeats tell it anyway; between them monotonic time goes on.

    So nothing is asked for it, and whatever is done to this machine's clock changes nothing. One that is read
    late makes it seem earlier than it is: of those of the last minute the latest counts.
    """

    def __init__(self, running: Callable[[], float] = monotonic) -> None:
        self._running = running
        self._primary: object = None
        self._ahead: deque[float] = deque(maxlen=REMEMBERED)

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        pass

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        told = event.reply.document.get("localTime")
        if not event.reply.is_writable or told is None:
            return
        if event.connection_id != self._primary:  # its clock is another one
            self._primary = event.connection_id
            self._ahead.clear()
        self._ahead.append(told.timestamp() - self._running())

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        pass

    def now(self) -> datetime:
        """In UTC, whole milliseconds; this machine's time where no primary has been heard of yet."""
        if not self._ahead:
            return system_now()
        now = datetime.fromtimestamp(self._running() + max(self._ahead), UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
