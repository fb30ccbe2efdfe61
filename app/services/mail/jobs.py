"""Empties the outbox beside the requests. One a process; any number of processes share the work."""

import asyncio

from app.core.background import stop
from app.core.database.errors import classify
from app.core.logging import get_logger
from app.services.mail.engine import MailEngine

POLL_SECONDS = 5.0

logger = get_logger(__name__)


class MailJobs:
    def __init__(self, engine: MailEngine) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if not self._engine.has_a_way:
            logger.warning("PASTIS_SMTP_HOST is not set: mails wait in the database")
        elif self._task is None:
            self._task = asyncio.create_task(self._run(), name="mail")

    async def close(self) -> None:
        """Stop; a mail whose delivery is cut off is delivered again after its lease."""
        await stop(self._task)

    async def _run(self) -> None:
        while True:
            try:
                while await self._engine.deliver_next():
                    pass
            except Exception as exc:
                if classify(exc) is None:
                    logger.exception("mails cannot be delivered")
                    raise
                logger.warning("the database is away, mails wait", error=type(exc).__name__)
            await self._engine.until_more(POLL_SECONDS)
