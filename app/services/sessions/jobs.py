"""When and from where logins and tokens were last used: noted in memory, written beside the requests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from app.core.background import stop
from app.core.clock import Clock
from app.core.database.errors import classify
from app.core.logging import get_logger

INTERVAL_SECONDS = 60.0
Uses = Mapping[str, tuple[datetime, str]]
Write = Callable[[Uses], Awaitable[None]]

logger = get_logger(__name__)


class LastUses:
    """One a process. A killed one loses what it noted in the last minute, and nothing hangs on that."""

    def __init__(self, write: Write, clock: Clock) -> None:
        """`write` keeps the last uses, by the ids of logins or tokens: when, and from which address."""
        self._write = write
        self._clock = clock
        self._noted: dict[str, tuple[datetime, str]] = {}
        self._writing: asyncio.Task[None] | None = None

    def is_noted(self, credential_id: str) -> bool:
        """Whether `note` would do nothing."""
        return credential_id in self._noted

    def note(self, credential_id: str, address: str) -> None:
        """The first use in each interval counts for all of it: the others cost next to nothing."""
        if credential_id not in self._noted:
            self._noted[credential_id] = self._clock.now(), address

    def start(self) -> None:
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_on(), name="last uses")

    async def close(self) -> None:
        """Write what is left."""
        await stop(self._writing)
        await self.flush()

    async def flush(self) -> None:
        if not self._noted:
            return
        noted, self._noted = self._noted, {}
        try:
            await self._write(noted)
        except Exception as error:
            if classify(error) is None:
                raise
            self._noted = noted | self._noted
            logger.warning("the last uses of logins wait for the database", error=type(error).__name__)

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            await self.flush()
