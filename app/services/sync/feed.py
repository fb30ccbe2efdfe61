"""One client that is told live: how far it has come, and what it is sent next."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from app.core.background import run_now
from app.core.database.errors import classify
from app.core.errors import ErrorCode, PastisError
from app.core.logging import get_logger
from app.services.sync.audience import Audience
from app.services.sync.frames import Frame
from app.services.sync.rights import Viewer
from app.services.sync.rules import Cursor

if TYPE_CHECKING:
    from app.services.sync.hub import Hub

HEARTBEAT_SECONDS = 15.0
SLOW_SECONDS = 30.0
"""How long a client may take to receive one frame."""

logger = get_logger(__name__)


class LookUpNeeded(Exception):  # noqa: N818 - it is no error
    """What comes next is not in memory."""


class Feed:
    """It keeps no queue: it goes on from its cursor, with all that has come since in one frame."""

    __slots__ = (
        *("_busy", "_due", "_ended", "_on_end", "_send", "_since", "_task"),
        *("audience", "cursor", "expires_at", "hub", "seen", "viewer"),
    )

    def __init__(
        self,
        hub: "Hub",
        viewer: Viewer,
        cursor: Cursor,
        send: Callable[[Frame], Awaitable[None]],
        on_end: Callable[[PastisError | None], None],
    ) -> None:
        """`on_end` is called once, when no more is told, with the reason if the client may know."""
        self.hub = hub
        self.viewer = viewer
        self.cursor = cursor
        self.seen = cursor.seq
        """The number up to which there is nothing that the client has not been told."""
        self.audience: Audience
        self.expires_at: datetime | None = None
        """When what let the client in ends by itself, as far as that is known."""
        self._send = send
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None
        self._busy = False
        self._ended = False
        self._since = monotonic()
        self._due = self._since
        self._put_off()

    def wake(self) -> None:
        """Tell what has come, unless something is being sent: then it goes on by itself."""
        if self._busy or self._ended:
            return
        try:
            frame = self.hub.next_of(self)
        except LookUpNeeded:
            self._busy = True
            self._since = monotonic()
            self._task = asyncio.create_task(self._look_up())
            return
        if frame is not None:
            self._busy = True
            self._task = run_now(self._tell(frame))

    def end(self, reason: PastisError | None = None) -> None:
        """Stop; safe to call again."""
        if self._ended:
            return
        self._ended = True
        self.hub.leave(self)
        if self._task is not None:
            self._task.cancel()
        self._on_end(reason)

    def tick(self, now: float) -> None:
        """Say that we are still here, or give a client up that does not take what it is sent."""
        if self._busy:
            if now - self._since > SLOW_SECONDS:
                self.end()
        elif now >= self._due:
            self._busy = True
            self._task = run_now(self._tell(Frame(self.cursor.seq, self.here, b"")))

    @property
    def here(self) -> Cursor:
        """Up to where there is nothing to tell."""
        return replace(self.cursor, seq=self.seen)

    async def _look_up(self) -> None:
        try:
            frame = await self.hub.catch_up(self.viewer, self.cursor)
        except PastisError as error:
            self.end(error)
            return
        except Exception as error:
            if classify(error) is None:
                logger.exception("a stream failed")
                self.end(PastisError(ErrorCode.INTERNAL_ERROR))
                return
            logger.warning("a stream waits for the database", error=type(error).__name__)
            self._busy = False  # tried again at the next tick
            return
        await self._tell(frame)

    async def _tell(self, frame: Frame) -> None:
        self._since = monotonic()
        try:
            await self._send(frame)
        except OSError:  # the client has left
            self.end()
            return
        self.hub.stats.deliveries += 1
        self.cursor = frame.cursor
        self.seen = frame.cursor.seq
        self._put_off()
        self._busy = False
        self._task = None
        self.wake()

    def _put_off(self) -> None:
        # Not all at once: what is sent to all is followed by their next heartbeats.
        self._due = monotonic() + HEARTBEAT_SECONDS * random.uniform(0.6, 1.0)  # noqa: S311 - no secret
