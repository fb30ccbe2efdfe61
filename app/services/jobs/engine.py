"""A queue in the database. Whoever does a job holds its lease, so that nobody else does it at the same time.

A job is done at least once: whoever dies, or loses the database, before the end lets go of its lease, and
another begins anew. So what is done must bear being done again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from time import monotonic

from app.core.background import stop
from app.core.database.engine import Database
from app.core.database.errors import classify
from app.core.documents import Doc
from app.core.jobs import Job, JobError, JobKind, JobState
from app.core.logging import get_logger
from app.core.telemetry import Telemetry
from app.services.jobs import queries, rules
from app.utils.ids import new_id

RELEASE_SECONDS = 0.5
_LOOK_SECONDS = 0.1

Run = Callable[[Doc], Awaitable[None]]
"""Does a job; what it raises is why it was not done. Raises JobError to say more."""

logger = get_logger(__name__)


class LostLeaseError(JobError):
    """Somebody else may do the job by now."""


class JobEngine:
    """One a process."""

    def __init__(self, database: Database, telemetry: Telemetry) -> None:
        self._database = database
        self._telemetry = telemetry
        self._came = asyncio.Event()

    async def ask(self, job: Job) -> None:
        """Have a job done, unless one of its id is there already."""
        await queries.ask(self._database, job)
        self._came.set()

    def wake(self) -> None:
        """Have this process look for jobs at once."""
        self._came.set()

    async def until_more(self, seconds: float) -> None:
        """Wait until this process has asked for a job, at most so long: another may have, or one is due."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._came.wait(), seconds)
        self._came.clear()

    async def take(self, kinds: Collection[JobKind]) -> Doc | None:
        """The job of these kinds that is due the longest, with a lease; None where none is."""
        while job := await queries.take(self._database, kinds, new_id()):
            if job["attempts"] <= rules.MOST_ATTEMPTS:
                return job
            # Whoever tried it so often came to no end: perhaps it kills its process.
            await self._failed(job, JobError("no attempt came to an end", final=True), None)
        return None

    async def finish(self, job: Job, run: Run) -> None:
        """Do a job at once that was asked for with a lease, or wait for whoever does; raises what `run` does.

        A job that is there no more is done.
        """
        lease = job.lease or new_id()
        while True:
            taken = await queries.take_one(self._database, job.id, lease)
            if taken is not None:
                with suppress(LostLeaseError):  # whoever has it now is waited for
                    return await self.carry_out(taken, run)
            elif not await queries.exists(self._database, job.id):
                return None
            await asyncio.sleep(_LOOK_SECONDS)

    async def carry_out(self, job: Doc, run: Run, *, again: float | None = None) -> None:
        """Do a job that was taken, and keep what became of it; raises what kept it from being done.

        One that is to be done `again` after so many seconds is kept, and tried again for ever.
        """
        began = monotonic()
        try:
            await self._hold(job, run)
        except asyncio.CancelledError:
            await self._release(job)
            raise
        except LostLeaseError as error:
            logger.warning("a job was left to others", job=job["_id"], kind=job["kind"], reason=str(error))
            self._telemetry.job(job["kind"], "lost", monotonic() - began)
            raise
        except Exception as error:
            self._telemetry.job(job["kind"], "failed", monotonic() - began)
            await self._failed(job, error, again)
            raise
        self._telemetry.job(job["kind"], "done", monotonic() - began)
        if again is None:
            await queries.delete(self._database, job)
        else:
            await queries.ask_again(self._database, job, again)

    async def erase(self, user_id: str) -> None:
        """Delete the jobs that are about an account."""
        await queries.delete_of_user(self._database, user_id)

    async def find(
        self, kind: JobKind | None = None, state: JobState | None = None, limit: int = 0
    ) -> Sequence[Doc]:
        """Those of a kind and in a state, the oldest first."""
        return await queries.find(self._database, kind, state, limit)

    async def retry(self, job_ids: Collection[str] | None) -> int:
        """Queue those anew that were given up, all of them for None; give how many."""
        return await queries.retry(self._database, job_ids)

    async def drop(self, job_ids: Collection[str]) -> int:
        """Forget those that were given up; give how many."""
        return await queries.drop(self._database, job_ids)

    async def counts(self) -> list[Doc]:
        """What there is: see the query."""
        return await queries.counts(self._database)

    async def _hold(self, job: Doc, run: Run) -> None:
        """Do it while its lease is renewed; raises LostLeaseError before somebody else may begin."""
        held_until = monotonic() + rules.HELD_SECONDS
        work = asyncio.ensure_future(run(job))
        try:
            while True:
                patience = min(rules.RENEW_SECONDS, held_until - monotonic())
                await asyncio.wait({work}, timeout=max(0.0, patience))
                if work.done():
                    return work.result()
                asked_at = monotonic()
                if asked_at < held_until and await self._renew(job):
                    held_until = asked_at + rules.HELD_SECONDS
                elif monotonic() >= held_until:
                    raise LostLeaseError("its lease could not be renewed")
        finally:
            await stop(work)

    async def _renew(self, job: Doc) -> bool:
        """False where the database is away; raises LostLeaseError where somebody else has the job."""
        try:
            kept = await queries.renew(self._database, job)
        except Exception as error:
            if classify(error) is None:
                raise
            return False
        if not kept:
            raise LostLeaseError("another has it")
        return True

    async def _release(self, job: Doc) -> None:
        """Let another go on at once, where the database hears of it in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await queries.put_off(self._database, job, 0, job["attempts"] - 1, job["error"])

    async def _failed(self, job: Doc, error: Exception, again: float | None) -> None:
        final = isinstance(error, JobError) and error.final
        reason = str(error) if isinstance(error, JobError) else type(error).__name__
        told = {"job": job["_id"], "kind": job["kind"], "attempts": job["attempts"], "reason": reason}
        pause: float | None = None if final else rules.next_pause(job["attempts"])
        pause = again if pause is None else pause
        if pause is None:
            logger.error("a job was given up", **told)
            await queries.give_up(self._database, job, reason)
        else:
            logger.warning("a job could not be done, trying again", **told)
            attempts = min(job["attempts"], rules.MOST_ATTEMPTS - 1)
            await queries.put_off(self._database, job, pause, attempts, reason)
