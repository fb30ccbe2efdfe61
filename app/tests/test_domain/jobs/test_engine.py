"""Jobs on a real database: nobody's is lost, nobody's is done by two at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect

from app.core.clock import system_now
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.jobs import LEASE_SECONDS, Job, JobError, JobKind, JobState
from app.core.telemetry import Telemetry
from app.services.jobs import Duty, JobEngine, Worker, queries, rules
from app.services.jobs.engine import LostLeaseError
from app.tests.support.jobs import hasten
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

KINDS = tuple(JobKind)


@pytest.fixture
async def database(test_settings: Settings) -> AsyncIterator[Database]:
    """Of its own: the application's worker does the jobs of the other."""
    settings = test_settings.model_copy(update={"database_name": f"jobs_{new_id()[-12:]}"})
    found = Database.connect(settings)
    await found.create_indexes([Job])
    yield found
    await found.client.drop_database(found.name)
    await found.close()


@pytest.fixture
def jobs(database: Database) -> JobEngine:
    return JobEngine(database, Telemetry())


async def kept(database: Database, job_id: str) -> Doc:
    found = await database.collection(Job).find_one({"_id": job_id})
    assert found is not None
    return found


async def ask(jobs: JobEngine, **fields: object) -> Job:
    values: dict[str, object] = {"id": new_id(), "kind": JobKind.MERGE, **fields}
    job = Job.model_validate(values)
    await jobs.ask(job)
    return job


async def take(jobs: JobEngine) -> Doc:
    found = await jobs.take(KINDS)
    assert found is not None
    return found


async def well(_: Doc) -> None:
    """It is done."""


async def never(_: Doc) -> None:
    await asyncio.Event().wait()


async def badly(_: Doc) -> None:
    raise JobError("the receiver is away")


async def test_one_that_is_done_leaves_nothing(jobs: JobEngine, database: Database) -> None:
    job = await ask(jobs, payload={"$what": "$no.expression"})
    taken = await take(jobs)
    assert (taken["_id"], taken["payload"], taken["attempts"]) == (job.id, {"$what": "$no.expression"}, 1)
    assert abs(taken["created_at"] - system_now()) < timedelta(minutes=1)
    await jobs.carry_out(taken, well)
    assert await database.collection(Job).count_documents({}) == 0


async def test_asked_for_twice_it_is_one(jobs: JobEngine, database: Database) -> None:
    job = await ask(jobs, payload={"n": 1})
    taken = await take(jobs)
    await ask(jobs, id=job.id, payload={"n": 2})
    assert await kept(database, job.id) == taken


async def test_a_thousand_takers_do_each_once(jobs: JobEngine) -> None:
    asked = {(await ask(jobs)).id for _ in range(50)}
    begun: Counter[str] = Counter()

    async def work() -> None:
        while (job := await jobs.take(KINDS)) is not None:
            begun[job["_id"]] += 1
            await jobs.carry_out(job, well)

    await asyncio.gather(*(work() for _ in range(20)))
    assert begun == Counter(asked)


async def test_only_some_kinds(jobs: JobEngine) -> None:
    await ask(jobs)
    assert await jobs.take([JobKind.MAIL]) is None
    assert await jobs.take([]) is None
    assert await jobs.take([JobKind.MAIL, JobKind.MERGE]) is not None


async def test_what_a_killed_process_had_is_done_after_its_lease(jobs: JobEngine, database: Database) -> None:
    await ask(jobs)
    dead = await take(jobs)  # and the process is killed
    assert await jobs.take(KINDS) is None
    assert timedelta() < dead["due_at"] - dead["created_at"] <= timedelta(seconds=LEASE_SECONDS + 30)
    await hasten(database)
    again = await take(jobs)
    assert (again["attempts"], again["lease"] != dead["lease"]) == (2, True)


async def test_who_lost_the_lease_has_no_say(jobs: JobEngine, database: Database) -> None:
    await ask(jobs)
    late = await take(jobs)
    await hasten(database)
    present = await take(jobs)
    await jobs.carry_out(late, well)
    assert await kept(database, present["_id"]) == present
    with pytest.raises(JobError):
        await jobs.carry_out(late, badly)
    assert await kept(database, present["_id"]) == present


async def test_a_holder_stops_when_another_has_the_job(
    jobs: JobEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RENEW_SECONDS", 0.05)
    await ask(jobs)
    taken = await take(jobs)
    await database.collection(Job).update_one({"_id": taken["_id"]}, {"$set": {"lease": "another"}})
    with pytest.raises(LostLeaseError):
        await jobs.carry_out(taken, never)


async def test_a_holder_stops_in_time_when_the_database_is_away(
    jobs: JobEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> bool:
        raise AutoReconnect("away")

    monkeypatch.setattr(rules, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(rules, "HELD_SECONDS", 0.2)
    monkeypatch.setattr(queries, "renew", away)
    await ask(jobs)
    with pytest.raises(LostLeaseError):
        await jobs.carry_out(await take(jobs), never)


async def test_a_long_job_keeps_its_lease(
    jobs: JobEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RENEW_SECONDS", 0.01)
    await ask(jobs)
    taken = await take(jobs)
    began, end = asyncio.Event(), asyncio.Event()

    async def work(_: Doc) -> None:
        began.set()
        await end.wait()

    doing = asyncio.create_task(jobs.carry_out(taken, work))
    await began.wait()
    await hasten(database)  # the next renewal brings it back
    while (await kept(database, taken["_id"]))["due_at"] < system_now():  # noqa: ASYNC110 - of the database
        await asyncio.sleep(0.01)
    assert await jobs.take(KINDS) is None
    end.set()
    await doing
    assert await database.collection(Job).count_documents({}) == 0


async def test_failures_are_put_off_and_given_up_in_the_end(jobs: JobEngine, database: Database) -> None:
    job = await ask(jobs)
    for attempt in range(1, rules.MOST_ATTEMPTS + 1):
        taken = await take(jobs)
        assert taken["attempts"] == attempt
        with pytest.raises(JobError):
            await jobs.carry_out(taken, badly)
        assert await jobs.take(KINDS) is None  # not at once
        await hasten(database)
    assert await jobs.take(KINDS) is None
    found = await kept(database, job.id)
    assert (found["state"], found["error"], found["lease"]) == ("failed", "the receiver is away", None)


async def test_what_kills_its_process_each_time_is_given_up(jobs: JobEngine, database: Database) -> None:
    poison, job = await ask(jobs), await ask(jobs)
    await database.collection(Job).update_one({"_id": job.id}, {"$set": {"attempts": -rules.MOST_ATTEMPTS}})
    for _ in range(2 * rules.MOST_ATTEMPTS):
        assert await jobs.take(KINDS) is not None
        await hasten(database)
    while await jobs.take(KINDS) is not None:
        await hasten(database)
    found = await kept(database, poison.id)
    assert (found["state"], found["error"]) == ("failed", "no attempt came to an end")


async def test_of_an_unforeseen_failure_only_its_kind_is_kept(jobs: JobEngine, database: Database) -> None:
    job = await ask(jobs)

    async def broken(_: Doc) -> None:
        raise ValueError("heidi@fluid.example")

    with pytest.raises(ValueError, match="heidi"):
        await jobs.carry_out(await take(jobs), broken)
    assert (await kept(database, job.id))["error"] == "ValueError"


async def test_given_up_ones_are_seen_tried_again_or_dropped(jobs: JobEngine, database: Database) -> None:
    async def hopeless(_: Doc) -> None:
        raise JobError("in vain", final=True)

    failed = [await ask(jobs) for _ in range(3)]
    for _ in failed:
        with pytest.raises(JobError):
            await jobs.carry_out(await take(jobs), hopeless)
    waiting = await ask(jobs)
    assert [one["_id"] for one in await jobs.find(state=JobState.FAILED)] == [one.id for one in failed]
    assert await jobs.drop([failed[0].id, waiting.id]) == 1
    assert await jobs.retry([failed[1].id, waiting.id]) == 1
    assert await jobs.retry(None) == 1
    assert {(await take(jobs))["attempts"] for _ in range(3)} == {1}
    assert await jobs.find(state=JobState.FAILED) == []


async def test_counts_tell_for_how_long_one_is_due(jobs: JobEngine, database: Database) -> None:
    await ask(jobs)
    await hasten(database)
    await ask(jobs, kind=JobKind.MAIL)
    found = {(one["_id"]["kind"], one["_id"]["state"]): one for one in await jobs.counts()}
    years = 20 * 365 * 24 * 3600
    assert found["merge", "queued"]["due"] > years > found["merge", "queued"]["asked"] >= 0
    assert found["mail", "queued"]["due"] < years


async def test_its_own_request_does_it_or_waits_for_whoever_does(jobs: JobEngine, database: Database) -> None:
    job = await ask(jobs, lease=new_id(), state=JobState.RUNNING)
    assert await jobs.take(KINDS) is None  # it is taken already
    began, end = asyncio.Event(), asyncio.Event()
    times = 0

    async def work(_: Doc) -> None:
        nonlocal times
        times += 1
        began.set()
        await end.wait()

    first = asyncio.create_task(jobs.finish(job, work))
    await began.wait()
    second = asyncio.create_task(jobs.finish(Job(id=job.id, kind=job.kind), work))
    _, pending = await asyncio.wait({first, second}, timeout=0.3)
    assert pending == {first, second}
    end.set()
    await asyncio.gather(first, second)
    assert times == 1
    await jobs.finish(job, work)  # it is done
    assert times == 1


async def test_a_request_that_loses_its_job_waits_for_it(
    jobs: JobEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RENEW_SECONDS", 0.05)
    job = await ask(jobs, lease=new_id(), state=JobState.RUNNING)
    taken: list[Doc] = []

    async def work(job: Doc) -> None:
        taken.append(job)
        if len(taken) == 1:
            await database.collection(Job).update_one({"_id": job["_id"]}, {"$set": {"lease": "another"}})
            await never(job)

    finishing = asyncio.create_task(jobs.finish(job, work))
    _, pending = await asyncio.wait({finishing}, timeout=0.5)
    assert (pending, len(taken)) == ({finishing}, 1)
    await hasten(database)  # the other is killed
    async with asyncio.timeout(30):
        await finishing
    assert len(taken) == 2


async def test_a_request_is_told_why_and_the_job_goes_on(jobs: JobEngine, database: Database) -> None:
    job = await ask(jobs, lease=new_id(), state=JobState.RUNNING)
    with pytest.raises(JobError):
        await jobs.finish(job, badly)
    await hasten(database)
    await jobs.carry_out(await take(jobs), well)


async def test_a_worker_does_what_comes_and_tries_again(jobs: JobEngine, database: Database) -> None:
    done: list[str] = []

    async def work(job: Doc) -> None:
        if job["attempts"] == 1:
            raise JobError("not yet")
        done.append(job["_id"])

    worker = Worker(jobs, {JobKind.MERGE: Duty(work)})
    worker.start()
    try:
        asked = [(await ask(jobs)).id for _ in range(3)]
        for _ in range(1000):
            if set(done) == set(asked):
                break
            await hasten(database)
            jobs.wake()
            await asyncio.sleep(0.01)
        assert sorted(done) == sorted(asked)
    finally:
        await worker.close()


async def test_a_worker_that_stops_gives_its_job_back_at_once(jobs: JobEngine) -> None:
    job = await ask(jobs)
    began = asyncio.Event()

    async def work(_: Doc) -> None:
        began.set()
        await asyncio.Event().wait()

    worker = Worker(jobs, {JobKind.MERGE: Duty(work)})
    worker.start()
    await began.wait()
    await worker.close()
    taken = await take(jobs)
    assert (taken["_id"], taken["attempts"]) == (job.id, 1)


async def test_what_is_done_every_hour_needs_nobody_who_asks(jobs: JobEngine, database: Database) -> None:
    times = asyncio.Semaphore(0)

    async def work(_: Doc) -> None:
        times.release()
        raise JobError("one day it will")

    workers = [Worker(jobs, {JobKind.RETENTION: Duty(work, every=3600.0)}) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(rules.MOST_ATTEMPTS + 2):  # a round that fails for ever is tried for ever
            async with asyncio.timeout(30):
                await times.acquire()
            while (await kept(database, "retention"))["state"] == JobState.RUNNING:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await hasten(database)
            jobs.wake()
    finally:
        await asyncio.gather(*(worker.close() for worker in workers))
    assert await database.collection(Job).count_documents({}) == 1


async def test_a_worker_waits_for_a_database_that_is_away(
    jobs: JobEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = asyncio.Event()

    async def work(_: Doc) -> None:
        done.set()

    async def away(*_: object) -> Doc:
        monkeypatch.undo()
        jobs.wake()
        raise AutoReconnect("away")

    await ask(jobs)
    monkeypatch.setattr(queries, "take", away)
    worker = Worker(jobs, {JobKind.MERGE: Duty(work)})
    worker.start()
    try:
        async with asyncio.timeout(10):
            await done.wait()
    finally:
        await worker.close()
