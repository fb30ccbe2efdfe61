"""One attempt at committing a group of submissions: read, decide, write, number, commit."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import ConnectionFailure, PyMongoError

from app.core.database.errors import is_unknown_commit
from app.core.documents import Doc, Entity, loaded, stored
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.jobs import Job, asking
from app.core.log import Event, Mutation
from app.core.logging import get_logger
from app.core.unit_of_work.batch import Batch
from app.core.unit_of_work.command import Command, Outcome, Submission
from app.core.unit_of_work.ground import ConflictError, Ground
from app.core.unit_of_work.work import Work
from app.utils.ids import new_id

if TYPE_CHECKING:
    from app.core.unit_of_work.writer import Writers

logger = get_logger(__name__)

COMMIT_PAUSE_SECONDS = 0.02
ABORT_SECONDS = 0.5


class PoisonedError(Exception):
    """A submission was refused after its writes were flushed: start again without it."""


@dataclass(slots=True)
class Result:
    """What became of one submission: outcomes, or the refusal."""

    submission: Submission
    outcomes: list[Outcome[Any]] = field(default_factory=list)
    error: Exception | None = None


class Transaction:
    """One snapshot transaction over a workspace; `run` may be tried again with a new instance.

    `before` ends with the transaction before this one. `begun` is called when the server has begun this one,
    `hand_over` when all is written and only the commit is awaited: another may then decide on what is left.
    """

    def __init__(
        self,
        writers: "Writers",
        workspace_id: str,
        before: "asyncio.Future[None] | None" = None,
        begun: Callable[[], None] = lambda: None,
        hand_over: Callable[[], None] = lambda: None,
    ) -> None:
        self._before = before
        self._begun = begun
        self._hand_over = hand_over
        self._writers = writers
        self._database = writers.database
        self._workspace_id = workspace_id
        self._results: list[Result] = []
        self._refused: dict[int, Exception] = {}
        self._events: list[Doc] = []
        self._recent = writers.recent.of(workspace_id)

    async def run(self, group: list[Submission]) -> None:
        """Decide and commit. Raises ConflictError and driver errors; refusals are kept for `resolve`."""
        while True:
            self._results, self._events = [], []
            began = monotonic()
            try:
                await self._attempt(group)
            except PoisonedError:
                continue
            if self._events:
                self._writers.telemetry.commit(len(self._events), monotonic() - began)
            return

    def resolve(self) -> None:
        """Tell the listeners, then hand every submission its outcome or refusal."""
        if self._events:
            for listener in self._writers.listeners:
                try:
                    listener(self._workspace_id, self._events)
                except Exception:  # a bug there must not make a committed command seem refused
                    logger.exception("a listener to commits failed", workspace=self._workspace_id)
        for result in self._results:
            future = result.submission.future
            if future.done():
                continue
            if result.error is not None:
                future.set_exception(result.error)
            else:
                future.set_result(result.outcomes)

    async def _attempt(self, group: list[Submission]) -> None:
        async with self._database.session() as session:
            await self._database.begin(session)
            try:
                head = await self._decide(session, group)
            except BaseException:
                # Perhaps what was remembered is why: the next attempt reads everything.
                self._recent.forget()
                await _abort(session)
                raise
            if any(one.context.dry_run for one in group):
                await _abort(session)
            elif head is None:
                # Only so has it read what no change of primary takes away: answers may stand on that.
                await _commit(session, self._database.timeout_seconds)
            else:
                await self._commit(session)

    async def _commit(self, session: AsyncClientSession) -> None:
        self._hand_over()
        try:
            await _commit(session, self._database.timeout_seconds)
        except BaseException:
            self._recent.forget()  # nobody knows what is there now
            raise
        self._recent.turns.end()
        self._writers.stats.transactions += 1
        self._writers.stats.commands += len(self._events)

    async def _decide(self, session: AsyncClientSession, group: list[Submission]) -> Doc | None:
        """Run every decision over one identity map and write the lot.

        Gives the head as it is then, or None where nothing is to commit.
        """
        ground = Ground(self._database, session, self._workspace_id, self._recent, self._before, self._begun)
        batch = Batch(self._database, ground, self._workspace_id, self._recent)
        log = _Log(await self._head(ground, group), [], {}, [])
        known = await self._known_mutations(ground, group)
        await batch.load_all(_wanted(group))
        for submission in group:
            await self._decide_one(batch, log, submission, known)
        if any(one.context.dry_run for one in group):
            await batch.flush()  # a unique index may refuse it, as it would without the dry run
        elif log.events or log.mutations or log.jobs or batch.dirty or batch.written:
            return await self._write(session, ground, batch, log)
        # What is answered without a write must be true of what is there, too.
        await ground.open()
        return None

    async def _head(self, ground: Ground, group: list[Submission]) -> Doc:
        if ground.head is None:
            await (ground.take() if self._recent.turns.shared else ground.open())
        if ground.head is None:
            if not any(command.founds for one in group for command in one.commands):
                raise not_found("workspace")
            ground.head = {"_id": self._workspace_id, "seq": 0, "writes": 0, "floor": 0, "epoch": new_id()}
        return ground.head

    async def _known_mutations(self, ground: Ground, group: list[Submission]) -> dict[str, Doc]:
        keys = [key for one in group if (key := self._mutation_id(one)) is not None]
        if not keys:
            return {}
        found = (
            await self._database.committed(Mutation)
            .find({"_id": {"$in": keys}}, session=ground.reading)
            .to_list()
        )
        return {doc["_id"]: doc for doc in found} | dict(self._recent.mutations)

    def _mutation_id(self, submission: Submission) -> str | None:
        context = submission.context
        if context.idempotency_key is None:
            return None
        # Asked again, a founding command may come with another id for the workspace.
        founds = any(command.founds for command in submission.commands)
        place = "new" if founds else self._workspace_id
        actor = context.actor.get("user_id") or context.actor.get("membership_id")
        return f"{place}:{actor}:{context.idempotency_key}"

    async def _decide_one(
        self, batch: Batch, log: "_Log", submission: Submission, known: dict[str, Doc]
    ) -> None:
        result = Result(submission)
        self._results.append(result)
        refused = self._refused.get(id(submission))
        if refused is not None:
            result.error = refused
            return
        mutation_id = self._mutation_id(submission)
        if mutation_id is not None and mutation_id in known:
            result.outcomes, result.error = self._replay(known[mutation_id], submission)
            return
        start, flushes = (len(log.events), len(log.jobs)), batch.flushes
        done: list[Work] = []
        try:
            for command in submission.commands:
                result.outcomes.append(await self._run(batch, log, submission, command, done))
        except (ConflictError, PyMongoError):
            raise
        except Exception as exc:  # noqa: BLE001 - a refusal, or a bug, of one must not fail its neighbours
            self._roll_back(batch, log, start, flushes, done, submission, exc)
            result.error = exc
            return
        if mutation_id is not None:
            record = self._record(mutation_id, submission, result)
            log.mutations[mutation_id] = known[mutation_id] = record

    def _roll_back(
        self,
        batch: Batch,
        log: "_Log",
        start: tuple[int, int],
        flushes: int,
        done: list[Work],
        submission: Submission,
        exc: Exception,
    ) -> None:
        """One refused submission leaves no trace, and its neighbours go on."""
        del log.events[start[0] :]
        del log.jobs[start[1] :]
        if batch.flushes != flushes and any(work.touched for work in done):
            self._refused[id(submission)] = exc
            raise PoisonedError
        for work in reversed(done):
            work.undo()

    async def _run(
        self, batch: Batch, log: "_Log", submission: Submission, command: Command[Any], done: list[Work]
    ) -> Outcome[Any]:
        now = self._writers.clock.now()
        work = Work(batch, command, submission.context, self._workspace_id, log.next_seq, now)
        done.append(work)
        value = await command.decide(work)
        await work.check_rights()  # what others then do in reaction is theirs
        for op in await work.operations():
            for reaction in self._writers.reactions.get((op["kind"], op["verb"]), ()):
                await reaction(work, op)
        log.jobs += work.asked
        operations = await work.operations()
        if not operations:
            return Outcome(value, None)
        log.events.append(work.event(operations))
        return Outcome(value, None if submission.context.dry_run else work.seq)

    def _replay(self, record: Doc, submission: Submission) -> tuple[list[Outcome[Any]], PastisError | None]:
        if record["fingerprint"] != submission.context.fingerprint:
            return [], PastisError(ErrorCode.IDEMPOTENCY_KEY_REUSED)
        return [
            Outcome(self._thaw(entry["value"]), entry["seq"], replayed=True) for entry in record["results"]
        ], None

    def _record(self, mutation_id: str, submission: Submission, result: Result) -> Doc:
        return {
            "_id": mutation_id,
            "workspace_id": self._workspace_id,
            "fingerprint": submission.context.fingerprint,
            "results": [{"value": _freeze(one.value), "seq": one.seq} for one in result.outcomes],
            "at": self._writers.clock.now(),
        }

    def _thaw(self, frozen: Any) -> Any:
        if isinstance(frozen, list):
            return [self._thaw(item) for item in frozen]
        if frozen is None:
            return None
        return loaded(self._writers.kinds[frozen["kind"]], frozen["doc"])

    async def _write(self, session: AsyncClientSession, ground: Ground, batch: Batch, log: "_Log") -> Doc:
        # Changes of internal fields are written without an event, and move the head's `writes` all the same.
        head = await ground.move(len(log.events))
        await batch.flush()
        if log.events:
            await self._database.collection(Event).insert_many(log.events, ordered=False, session=session)
        if log.mutations:
            records = list(log.mutations.values())
            await self._database.collection(Mutation).insert_many(records, ordered=False, session=session)
        if log.jobs:
            requests = [UpdateOne(*asking(job), upsert=True) for job in log.jobs]
            await self._database.collection(Job).bulk_write(requests, session=session)
        self._events = log.events
        docs = {key: entry.current for key, entry in batch.entries.items()}
        self._recent.keep(docs, log.mutations, head)
        return head


@dataclass(slots=True)
class _Log:
    """The events and answers of this transaction, after the head that it found."""

    head: Doc
    events: list[Doc]
    mutations: dict[str, Doc]
    jobs: list[Job]

    @property
    def next_seq(self) -> int:
        return int(self.head["seq"]) + len(self.events) + 1


def _wanted(group: list[Submission]) -> dict[type[Entity], set[str]]:
    wanted: dict[type[Entity], set[str]] = {}
    for one in group:
        for command in one.commands:
            for model, ids in command.reads.items():
                wanted.setdefault(model, set()).update(ids)
    return wanted


def _freeze(value: Any) -> Any:
    if isinstance(value, list):
        return [_freeze(item) for item in value]
    if value is None:
        return None
    return {"kind": value.KIND, "doc": stored(value)}


async def _abort(session: AsyncClientSession) -> None:
    # A rollback that cannot be sent is a rollback all the same: the server drops the transaction by itself.
    # So nobody waits for a server to send it to, as clients wait for the answer.
    with contextlib.suppress(PyMongoError), pymongo.timeout(ABORT_SECONDS):
        await session.abort_transaction()


async def _commit(session: AsyncClientSession, seconds: float) -> None:
    """Commit, asking again for so long while the answer is unknown: commits may be repeated."""
    deadline = monotonic() + seconds
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as exc:
            if not (is_unknown_commit(exc) or isinstance(exc, ConnectionFailure)) or monotonic() > deadline:
                raise
            await asyncio.sleep(COMMIT_PAUSE_SECONDS)
        else:
            return
