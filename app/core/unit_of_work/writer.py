"""Group commit: commands of a workspace that wait are taken together into the next transaction."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from pymongo.errors import PyMongoError

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.database.errors import (
    classify,
    duplicate_key,
    is_duplicate_key,
    is_transient,
    is_unknown_commit,
    is_write_conflict,
)
from app.core.documents import Doc, Entity
from app.core.errors import ErrorCode, PastisError, already_exists
from app.core.telemetry import Telemetry
from app.core.unit_of_work.abandoned import end_abandoned
from app.core.unit_of_work.command import Command, Context, Outcome, Reaction, Submission
from app.core.unit_of_work.ground import ConflictError
from app.core.unit_of_work.recent import RecentByWorkspace
from app.core.unit_of_work.transaction import Transaction
from app.core.unit_of_work.turns import Turns

R = TypeVar("R")

MAX_TOGETHER = 64
"""Submissions in one transaction: enough to fill a commit, few enough to keep it short."""
MIN_HALF = 8
"""So many go together whoever else waits. Of more, each transaction takes half: one half is answered and
sends its next requests while the other is written. Transactions of 15 and 1 only wait for each other."""
DEADLINE_SECONDS = 10.0
PATIENCE_SECONDS = 0.3
"""Of attempts that fail, before and between looks for who is in the way."""


@dataclass(slots=True)
class Stats:
    """What the writers did since the process started."""

    commands: int = 0
    transactions: int = 0
    retries: int = 0


class Writers:
    """All of a process's writers, one for each workspace with commands under way."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        kinds: Mapping[str, type[Entity]],
        reactions: Mapping[tuple[str, str], Sequence[Reaction]],
        telemetry: Telemetry | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.kinds = kinds
        self.reactions = reactions
        self.stats = Stats()
        self.telemetry = telemetry or Telemetry()
        self.listeners: list[Callable[[str, list[Doc]], None]] = []
        """Told, after each commit of this process, the workspace and its new events."""
        self.recent = RecentByWorkspace()
        self._writers: dict[str, Writer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(self, workspace_id: str, command: Command[R], context: Context) -> Outcome[R]:
        """Commit one command and give its outcome.

        Raises what the decision raises, `not_found` for an unknown workspace, `database_unavailable` when
        nothing was written, and `outcome_unknown` when the commit may or may not have happened.
        """
        outcomes = await self.run_all(workspace_id, [command], context)
        return outcomes[0]

    async def run_all(
        self, workspace_id: str, commands: Sequence[Command[Any]], context: Context
    ) -> list[Outcome[Any]]:
        """Commit several commands in one transaction, all or nothing, each with its own event."""
        if self._closed:
            raise PastisError(ErrorCode.SERVER_STOPPING)
        writer = self._writers.get(workspace_id)
        if writer is None:
            writer = self._writers[workspace_id] = Writer(self, workspace_id)
        submission = Submission(commands, context, asyncio.get_running_loop().create_future())
        if writer.submit(submission):
            # The commit belongs to no request: a client that leaves must not take others' commands along.
            task = asyncio.create_task(self._drain(writer), name=f"writer {workspace_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        outcomes: list[Outcome[Any]] = await submission.future
        return outcomes

    async def _drain(self, writer: "Writer") -> None:
        await writer.drain()
        if self._writers.get(writer.workspace_id) is writer and not writer.waiting:
            del self._writers[writer.workspace_id]

    async def close(self) -> None:
        """Refuse new commands and wait for those under way."""
        self._closed = True
        if self._tasks:
            await asyncio.wait(set(self._tasks))


class Writer:
    """A workspace's single writer inside this process."""

    def __init__(self, writers: Writers, workspace_id: str) -> None:
        self.workspace_id = workspace_id
        self.waiting: deque[Submission] = deque()
        self._writers = writers
        self._draining = False
        self._under_way = 0
        self._stood_still = 0.0
        """When the database was last found to have taken as long as it may."""
        self._committed: list[Transaction] = []
        """Transactions whose submissions have not been told yet."""

    def submit(self, submission: Submission) -> bool:
        """Queue a submission; true where the caller must start draining."""
        self.waiting.append(submission)
        start, self._draining = not self._draining, True
        return start

    async def drain(self) -> None:
        """Commit what waits, and what comes meanwhile. No timer: a lone command goes alone."""
        before: asyncio.Future[None] | None = None
        taken: list[Submission] = []
        try:
            while self.waiting:
                count = await self._count(before, len(taken))
                taken = [self.waiting.popleft() for _ in range(count)]
                before = await self._begin([one for one in taken if not one.future.done()], before)
                if not self.waiting:
                    # Those who come until then go together.
                    await asyncio.wait({before})
        finally:
            self._draining = False

    @property
    def _turns(self) -> Turns:
        return self._writers.recent.of(self.workspace_id).turns

    def _join(self, group: list[Submission]) -> None:
        """Take those along who have come while others had their turn."""
        while self.waiting and len(group) < MAX_TOGETHER and not self.waiting[0].context.dry_run:
            group.append(self.waiting.popleft())

    async def _count(self, before: "asyncio.Future[None] | None", taken: int) -> int:
        """How many go together."""
        turns = self._turns
        if turns.shared:
            # All that come until it can be one's turn.
            if before is not None:
                await asyncio.wait({before})
            await turns.stand_back()
            return min(len(self.waiting), MAX_TOGETHER)
        under_way = 0 if before is None or before.done() else taken
        half = max(MIN_HALF, (len(self.waiting) + under_way + 1) // 2)
        return min(len(self.waiting), half, MAX_TOGETHER)

    async def _begin(
        self, submissions: list[Submission], before: "asyncio.Future[None] | None"
    ) -> "asyncio.Future[None]":
        """Settle submissions behind those before; returns as soon as others may decide on what they leave."""
        handed_over = asyncio.Event()
        settled = asyncio.create_task(self._settle(submissions, before, handed_over.set))
        settled.add_done_callback(lambda _: handed_over.set())
        await handed_over.wait()
        return settled

    async def _settle(
        self,
        submissions: list[Submission],
        before: "asyncio.Future[None] | None",
        hand_over: Callable[[], None],
    ) -> None:
        """Bring every submission to an outcome or an error; never raises."""
        for one in submissions:
            if one.context.dry_run:
                await self._settle_group([one], before)
        wet = [one for one in submissions if not one.context.dry_run]
        if wet:
            await self._settle_group(wet, before, hand_over)

    async def _settle_group(
        self,
        group: list[Submission],
        before: "asyncio.Future[None] | None" = None,
        hand_over: Callable[[], None] = lambda: None,
    ) -> None:
        self._under_way += 1
        try:
            await self._commit(group, before, hand_over)
        except Exception as exc:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            if len(group) > 1 and _may_be_of_one(exc):
                # Alone, each finds out whether it was the one.
                for one in group:
                    await self._settle_group([one])
            else:
                _fail(group, _refusal(exc))
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._tell()

    def _tell(self) -> None:
        """Give those who wait what became of their submissions.

        Their answers take a while to write. So a transaction that waited for this one sends its first write
        before that, and calls this when it has begun.
        """
        committed, self._committed = self._committed, []
        for transaction in committed:
            transaction.resolve()

    async def _commit(
        self,
        group: list[Submission],
        before: "asyncio.Future[None] | None",
        hand_over: Callable[[], None],
    ) -> None:
        """Run the group in one transaction; again where another process was faster."""
        began = monotonic()
        look, attempt = began + PATIENCE_SECONDS, 0
        while True:
            if any(one.since < self._stood_still for one in group):
                # They have waited behind what took so long, and would wait as long again.
                raise PastisError(ErrorCode.DATABASE_UNAVAILABLE)
            transaction = Transaction(self._writers, self.workspace_id, before, self._tell, hand_over)
            try:
                await transaction.run(group)
            except (ConflictError, PyMongoError) as exc:
                if isinstance(exc, PyMongoError) and (exc.timeout or is_unknown_commit(exc)):
                    # It would take as long again, while clients wait for their answer.
                    self._stood_still = monotonic()
                    raise
                if isinstance(exc, PyMongoError) and not is_transient(exc):
                    raise
                if monotonic() > began + DEADLINE_SECONDS:
                    raise classify(exc) or PastisError(ErrorCode.OVERLOADED) from exc
                self._writers.stats.retries += 1
                await self._pause(exc, attempt)
                if self._turns.shared:
                    self._join(group)
                attempt += 1
                if monotonic() > look:
                    await end_abandoned(self._writers.database)
                    look = monotonic() + PATIENCE_SECONDS
            else:
                self._committed.append(transaction)
                return

    async def _pause(self, exc: ConflictError | PyMongoError, attempt: int) -> None:
        turns = self._turns
        if isinstance(exc, PyMongoError) and is_write_conflict(exc):
            turns.meet()
        if turns.shared:
            await turns.look_again(attempt)
        else:
            await asyncio.sleep(random.uniform(0, min(0.002 * 2**attempt, 0.1)))  # noqa: S311 - jitter


def _may_be_of_one(exc: Exception) -> bool:
    """Whether one command alone may be at fault: it broke a unique index, or cannot be stored."""
    if isinstance(exc, PyMongoError):
        return classify(exc) is None and not is_unknown_commit(exc)
    return not isinstance(exc, PastisError)


def _refusal(exc: Exception) -> Exception:
    if not isinstance(exc, PyMongoError):
        return exc
    if is_duplicate_key(exc):
        taken = duplicate_key(exc)
        # Whatever else is unique is so inside a workspace, and was looked for by the decision.
        return already_exists("document", "slug" if "slug" in taken else "id", taken.get("_id", ""))
    if is_unknown_commit(exc):
        return PastisError(ErrorCode.OUTCOME_UNKNOWN)
    return classify(exc) or exc


def _fail(group: list[Submission], exc: Exception) -> None:
    for one in group:
        with contextlib.suppress(asyncio.InvalidStateError):
            one.future.set_exception(exc)
