"""Finishes, when the process starts, the deletions that another one began."""

import asyncio

from app.core.background import stop
from app.core.logging import get_logger
from app.services.accounts.engine import AccountEngine

_SOURCE = {"channel": "system", "client": None, "request_id": None}

logger = get_logger(__name__)


class AccountJobs:
    def __init__(self, engine: AccountEngine) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="accounts")

    async def close(self) -> None:
        """Stop; what is left to do is done after the next start."""
        await stop(self._task)

    async def _run(self) -> None:
        try:
            await self._engine.finish_all(_SOURCE)
        except Exception:
            logger.exception("deletions of accounts could not be finished; the next start tries again")
