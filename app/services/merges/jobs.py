"""Finishes, when the process starts, the merges that another one began."""

import asyncio

from app.core.background import stop
from app.core.logging import get_logger
from app.core.unit_of_work import Context
from app.services.merges.engine import MergeEngine

_SYSTEM = Context(
    {"kind": "system", "user_id": None, "membership_id": None},
    {"channel": "system", "client": None, "request_id": None},
)

logger = get_logger(__name__)


class MergeJobs:
    def __init__(self, engine: MergeEngine) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="merges")

    async def close(self) -> None:
        """Stop; what is left to do is done after the next start."""
        await stop(self._task)

    async def _run(self) -> None:
        try:
            await self._engine.finish_all(_SYSTEM)
        except Exception:
            logger.exception("merges of placeholders could not be finished; the next start tries again")
