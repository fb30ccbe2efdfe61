"""Does what is asked for, beside the requests or in a process of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from app.core.background import stop
from app.core.database.errors import classify
from app.core.documents import Doc
from app.core.jobs import Job, JobError, JobKind
from app.core.logging import get_logger
from app.services.jobs.engine import JobEngine, Run

POLL_SECONDS = 5.0

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Duty:
    """What is done for jobs of one kind; `every` so many seconds, where nobody needs to ask."""

    run: Run
    every: float | None = None


class Worker:
    """Does one job of a kind at a time. One a process; any number of processes share the work.

    `resume` asks for what was begun and has no job, as after a restore.
    """

    def __init__(
        self,
        engine: JobEngine,
        duties: Mapping[JobKind, Duty],
        resume: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._engine = engine
        self._duties = duties
        self._resume = resume
        self._running: dict[JobKind, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="jobs")

    async def close(self) -> None:
        """Stop; what is under way is given back, and begun anew by whoever takes it."""
        await stop(self._task)
        await asyncio.gather(*(stop(task) for task in list(self._running.values())))

    async def _run(self) -> None:
        prepared = False
        while True:
            try:
                if not prepared:
                    await self._prepare()
                    prepared = True
                await self._take_all()
            except Exception as error:
                if classify(error) is None:
                    logger.exception("jobs cannot be taken")
                else:
                    logger.warning("the database is away, jobs wait", error=type(error).__name__)
            await self._engine.until_more(POLL_SECONDS)

    async def _prepare(self) -> None:
        for ask in self._resume:
            await ask()
        for kind, duty in self._duties.items():
            if duty.every is not None:
                await self._engine.ask(Job(id=kind.value, kind=kind))

    async def _take_all(self) -> None:
        while free := self._duties.keys() - self._running.keys():
            job = await self._engine.take(free)
            if job is None:
                return
            kind = JobKind(job["kind"])
            task = self._running[kind] = asyncio.create_task(self._do(kind, job), name=f"job {job['_id']}")
            task.add_done_callback(partial(self._ended, kind))

    def _ended(self, kind: JobKind, _: asyncio.Task[None]) -> None:
        del self._running[kind]
        self._engine.wake()

    async def _do(self, kind: JobKind, job: Doc) -> None:
        duty = self._duties[kind]
        try:
            await self._engine.carry_out(job, duty.run, again=duty.every)
        except JobError:
            pass  # the engine has told
        except Exception as error:
            # Of a job that failed it is kept, of one that was done it is not known: it is done again.
            if classify(error) is None:
                logger.exception("a job failed", job=job["_id"])
