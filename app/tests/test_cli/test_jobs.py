"""`pastis jobs` and `pastis work`, against the real database."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.database.engine import Database
from app.core.jobs import Job, JobKind, JobState
from app.core.telemetry import Telemetry
from app.services.jobs import JobEngine
from app.tests.support.cli import run
from app.tests.test_cli.test_data_commands import change, database_name
from app.utils.ids import new_id

__all__ = ["database_name"]  # its fixture is used here too


def lines(*arguments: str) -> list[str]:
    result = run("jobs", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_what_was_given_up_is_seen_tried_again_or_dropped(database_name: str) -> None:
    failed = [
        Job(id=f"mail-{number}", kind=JobKind.MAIL, state=JobState.FAILED, error="SMTPDataError")
        for number in range(3)
    ]

    async def give_up(database: Database) -> None:
        for job in failed:
            await JobEngine(database, Telemetry()).ask(job)

    assert lines("list") == []
    change(database_name, give_up)
    listed = lines("list", "--state", "failed")
    assert [line.split()[:4] for line in listed] == [[job.id, "mail", "failed", "0"] for job in failed]
    assert all(line.endswith("Z  SMTPDataError") for line in listed)
    assert lines("list", "--kind", "merge") == []
    assert lines("drop", "mail-0") == ["1 job dropped."]
    assert lines("retry", "mail-1", "unknown") == ["1 job queued."]
    assert lines("retry", "--all") == ["1 job queued."]
    assert [line.split()[2] for line in lines("list")] == ["queued", "queued"]
    for wrong in ([], ["mail-1", "--all"]):
        result = run("jobs", "retry", *wrong)
        assert (result.exit_code, "--all" in result.output) == (1, True)


_WORKER = """
import asyncio, sys
from app.cli import main
from app.core.database.engine import Database
from app.core.jobs import JobKind
from app.services.bootstrap import Services
from app.services.jobs import Duty

duties = Services._duties

def with_effects(self):
    async def work(job):
        effects = self.database.raw("effects")
        await effects.insert_one({"job": job["_id"], "what": "begin", "lease": job["lease"]})
        await asyncio.sleep(0.02)
        await effects.insert_one({"job": job["_id"], "what": "end", "lease": job["lease"]})
    return {**duties(self), JobKind.MERGE: Duty(work)}

Services._duties = with_effects
sys.argv = ["pastis", "work"]
main()
"""


class Workers:
    """Processes of `pastis work`, whose jobs leave traces in the database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        log = self._folder / f"{len(self._processes)}.log"
        environment = os.environ | {"PASTIS_DATA_DIR": str(self._folder)}
        with log.open("wb") as written:
            process = subprocess.Popen(
                [sys.executable, "-c", _WORKER], cwd=self._folder, env=environment, stderr=written
            )
        self._processes.append(process)
        for _ in range(3000):
            if "Doing jobs." in log.read_text():
                return process
            time.sleep(0.01)
        raise AssertionError(log.read_text())

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(10)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    found = Workers(tmp_path)
    yield found
    found.end()


def check_turns(traces: list[dict[str, Any]], killed: list[str]) -> None:
    """Nobody began a job while another was at it, unless that one had been killed."""
    at_it: dict[str, str] = {}
    for one in traces:
        if one["what"] == "begin":
            assert at_it.get(one["job"]) in {None, *killed}, "two at once"
            at_it[one["job"]] = one["lease"]
        else:
            assert at_it.pop(one["job"]) == one["lease"]


def test_no_job_is_lost_to_kills_nor_done_by_two_at_once(database_name: str, workers: Workers) -> None:
    """Two workers, of which one is killed with -9 in the middle, and another takes its place."""
    asked = {new_id() for _ in range(60)}

    async def ask(database: Database) -> None:
        jobs = JobEngine(database, Telemetry())
        for job_id in asked:
            await jobs.ask(Job(id=job_id, kind=JobKind.MERGE))

    async def until(database: Database, left: int, *, leases_end: bool = False) -> None:
        async with asyncio.timeout(40):
            while True:
                if leases_end:  # of what the dead one had; the others renew theirs only every few seconds
                    dead = {"lease": {"$in": killed}}
                    await database.collection(Job).update_many(dead, [{"$set": {"due_at": "$created_at"}}])
                if await database.collection(Job).count_documents({"kind": "merge"}) <= left:
                    return
                await asyncio.sleep(0.02)

    async def leases(database: Database) -> set[str]:
        running = database.collection(Job).find({"kind": "merge", "state": "running"})
        return {one["lease"] async for one in running}

    async def note_leases(database: Database) -> None:
        before = await leases(database)
        await asyncio.sleep(1)  # in which the other goes on to its next job
        killed.extend(before & await leases(database))

    async def traces(database: Database) -> list[dict[str, Any]]:
        return await database.raw("effects").find().sort("_id").to_list()

    killed: list[str] = []
    assert run("db", "migrate").exit_code == 0
    change(database_name, ask)
    first, _ = workers.start(), workers.start()
    change(database_name, lambda database: until(database, 40))
    first.send_signal(signal.SIGSTOP)  # so that what it has is known when it dies
    change(database_name, note_leases)
    first.kill()
    workers.start()
    change(database_name, lambda database: until(database, 0, leases_end=True))
    found = change(database_name, traces)
    ends = Counter(one["job"] for one in found if one["what"] == "end")
    assert ends.keys() == asked
    check_turns(found, killed)
    assert sum(ends.values()) - len(asked) <= 1  # what was done and not yet noted is done again
