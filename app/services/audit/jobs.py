"""Copies what concerns security from the workspaces' logs, beside the requests."""

import asyncio
from time import monotonic

from app.core.background import stop
from app.core.database.engine import Database
from app.core.database.errors import classify
from app.core.documents import Doc
from app.core.logging import get_logger
from app.core.unit_of_work import Writers
from app.services.audit import queries, rules
from app.services.audit.engine import AuditEngine

LOOK_SECONDS = 60.0
"""How often to look for what other processes committed and did not get to copy."""
RETRY_SECONDS = 5.0
BATCH = 200

logger = get_logger(__name__)


class AuditFollower:
    """Looks at each commit of this process at once, and at everybody's when it starts and now and then.

    An event may be met twice, by two processes or after a crash, and is copied once. One a process.
    """

    def __init__(self, database: Database, writers: Writers, audit: AuditEngine) -> None:
        self._database = database
        self._audit = audit
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        writers.listeners.append(self._on_commit)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="audit")

    async def close(self) -> None:
        await stop(self._task)

    def _on_commit(self, workspace_id: str, events: list[Doc]) -> None:
        if any(rules.is_watched(event) for event in events):
            self._changed.add(workspace_id)
            self._wake.set()

    async def _run(self) -> None:
        look_at = monotonic()
        while True:
            try:
                if monotonic() >= look_at:
                    self._changed.update(await queries.behind(self._database))
                    look_at = monotonic() + LOOK_SECONDS
                while self._changed:
                    await self.follow(self._changed.pop())
            except Exception as error:
                # What was not copied is found by the next look.
                if classify(error) is None:
                    logger.exception("the audit log cannot follow")
                else:
                    logger.warning("the audit log waits for the database", error=type(error).__name__)
                look_at = monotonic() + RETRY_SECONDS
            await self._sleep(look_at - monotonic())

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        if self._changed:
            return
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def follow(self, workspace_id: str) -> None:
        """Copy what a workspace's log has since the last time."""
        done, end = await queries.followed(self._database, workspace_id)
        while done < end:
            events = await queries.events(
                self._database, workspace_id, done, end, rules.WATCHED_EVENTS, BATCH
            )
            for event in events:
                await self._audit.copy(workspace_id, event)
            done = events[-1]["seq"] if len(events) == BATCH else end
            await queries.set_followed(self._database, workspace_id, done)
