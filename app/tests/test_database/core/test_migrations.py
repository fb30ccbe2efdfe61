"""Migrations: in order, once, by one process at a time, from where they were interrupted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.core.clock import system_now
from app.core.config import Settings
from app.core.database import migrations
from app.core.database.engine import Database
from app.core.database.migrations import (
    BreakingMigrationError,
    Migration,
    NewerDatabaseError,
    Progress,
    migrate,
    refuse_breaking,
    status,
)
from app.core.jobs import Job
from app.models.migrations import MIGRATIONS
from app.services.bootstrap import Services
from app.tests.support.clients import ok
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(test_settings: Settings) -> AsyncIterator[Database]:
    settings = test_settings.model_copy(update={"database_name": f"migrations_{new_id()[-12:]}"})
    database = Database.connect(settings)
    yield database
    await database.client.drop_database(database.name)
    await database.close()


class Journal:
    """Migrations that write down when they ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def migration(
        self, number: int, *, steps: int = 0, fail_at: int | None = None, needs: int | None = None
    ) -> Migration:
        name = f"step {number}"

        async def run(_: Database, progress: Progress) -> None:
            for step in range(progress.value or 0, steps):
                if step == fail_at:
                    raise RuntimeError(name)
                self.ran.append(f"{name}.{step}")
                await progress.save(step + 1)
            self.ran.append(name)

        return Migration(number, name, run, needs)


async def test_they_run_in_order_and_once(database: Database, clock: TestClock) -> None:
    journal = Journal()
    wanted = [journal.migration(1), journal.migration(2)]
    assert await migrate(database, wanted[:1], clock) == ["step 1"]
    assert await migrate(database, wanted, clock) == ["step 2"]
    assert await migrate(database, wanted, clock) == []
    assert journal.ran == ["step 1", "step 2"]
    assert [one["state"] for one in await status(database, wanted)] == ["done", "done"]


async def test_an_interrupted_one_goes_on_where_it_was(database: Database, clock: TestClock) -> None:
    journal = Journal()
    with pytest.raises(RuntimeError):
        await migrate(database, [journal.migration(1, steps=4, fail_at=2)], clock)
    assert [one["state"] for one in await status(database, [journal.migration(1)])] == ["running"]
    await migrate(database, [journal.migration(1, steps=4)], clock)
    assert journal.ran == ["step 1.0", "step 1.1", "step 1.2", "step 1.3", "step 1"]


async def test_of_many_processes_one_migrates(
    database: Database, test_settings: Settings, clock: TestClock
) -> None:
    journal = Journal()
    settings = test_settings.model_copy(update={"database_name": database.name})
    others = [Database.connect(settings) for _ in range(4)]
    wanted = [journal.migration(1, steps=3), journal.migration(2)]
    done = await asyncio.gather(*(migrate(one, wanted, clock) for one in others))
    assert sorted(done) == [[], [], [], ["step 1", "step 2"]]
    assert journal.ran == ["step 1.0", "step 1.1", "step 1.2", "step 1", "step 2"]
    for one in others:
        await one.close()


@pytest.mark.parametrize("hours", [-2, 0, 2])
async def test_the_lock_of_a_process_that_died_ends(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """By the database's clock, however wrong the machine's is."""
    clock.forward(hours=hours)
    monkeypatch.setattr(migrations, "RETRY_SECONDS", 0.01)
    lock = {"_id": "lock", "owner": "dead", "expires_at": system_now() + migrations.LEASE}
    await database.raw("migrations").insert_one(lock)
    journal = Journal()
    waiting = asyncio.create_task(migrate(database, [journal.migration(1)], clock))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    expired = {"$set": {"expires_at": system_now() - timedelta(seconds=1)}}
    await database.raw("migrations").update_one({"_id": "lock"}, expired)
    assert await waiting == ["step 1"]
    assert await database.raw("migrations").find_one({"_id": "lock"}) is None


async def test_the_lease_of_a_living_process_is_renewed(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "RENEW_SECONDS", 0.01)
    seen = []

    async def slow(database: Database, _progress: Progress) -> None:
        for _ in range(2):
            lock = await database.raw("migrations").find_one({"_id": "lock"})
            assert lock is not None
            seen.append(lock["expires_at"])
            await asyncio.sleep(0.2)

    await migrate(database, [Migration(1, "slow", slow)], clock)
    assert seen[1] > seen[0]


async def test_an_older_version_does_not_touch_a_newer_database(database: Database, clock: TestClock) -> None:
    journal = Journal()
    await migrate(database, [journal.migration(1), journal.migration(2)], clock)
    with pytest.raises(NewerDatabaseError):
        await migrate(database, [journal.migration(1)], clock)


async def test_an_older_version_bears_what_needs_no_more_than_it_knows(
    database: Database, clock: TestClock
) -> None:
    """As beside the newer one during a rolling deployment, and after a rollback."""
    journal = Journal()
    one, two = journal.migration(1), journal.migration(2, needs=1)
    await migrate(database, [one, two], clock)
    assert await migrate(database, [one], clock) == []
    await migrate(database, [one, two, journal.migration(3, needs=2)], clock)
    assert await migrate(database, [one, two], clock) == []
    with pytest.raises(NewerDatabaseError):  # it knows nothing of the second, which the third needs
        await migrate(database, [one], clock)


async def test_what_the_serving_version_could_not_bear_is_refused(
    database: Database, clock: TestClock
) -> None:
    journal = Journal()
    one, two, three = journal.migration(1), journal.migration(2, needs=1), journal.migration(3, needs=2)
    await refuse_breaking(database, [one, journal.migration(2)])  # nobody serves an empty database
    await migrate(database, [one], clock)
    await refuse_breaking(database, [one])
    await refuse_breaking(database, [one, two])
    with pytest.raises(BreakingMigrationError, match=r"2 \(step 2\)"):
        await refuse_breaking(database, [one, journal.migration(2)])
    with pytest.raises(BreakingMigrationError, match=r"these: 3 \(step 3\)"):  # a release was skipped
        await refuse_breaking(database, [one, two, three])
    assert journal.ran == ["step 1"]


def test_numbers_are_in_order_and_never_used_twice() -> None:
    numbers = [one.number for one in MIGRATIONS]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_operations_of_earlier_versions_learn_their_projects(
    services: Services, workspace: Workspace
) -> None:
    """From the log alone: documents have moved and gone since."""
    task, label = await workspace.task(), await workspace.label()
    comment = await workspace.comment(task)
    await workspace.team("Design", "member")
    ok(await workspace.api.post("/projects", {"key": "KETTLE", "name": "Kettle"}), 201)
    ok(await workspace.grant("viewer", membership_id=workspace.membership_ids["member"]), 201)
    path = f"/tasks/{task['id']}"
    ok(await workspace.api.post(f"{path}/move", {"project_id": "KETTLE"}))
    ok(await workspace.api.patch(f"{path}/comments/{comment['id']}", {"body": "There"}))
    ok(await workspace.api.patch(path, {"label_ids": [label["id"]]}))
    ok(await workspace.api.delete(f"/labels/{label['id']}"))
    ok(await workspace.api.delete(f"{path}/comments/{comment['id']}"))
    events = services.database.raw("events")
    query = {"workspace_id": workspace.id}
    wanted = await events.find(query).sort("seq").to_list()
    assert len({op["project_id"] for event in wanted for op in event["ops"]}) == 3
    await events.update_many(query, {"$unset": {"ops.$[].project_id": ""}})
    (places,) = [one for one in MIGRATIONS if one.name == "places of operations"]
    for _ in range(2):  # it may be interrupted, and begin again
        await places.run(services.database, Progress(services.database, places.number, None))
        assert await events.find(query).sort("seq").to_list() == wanted


async def test_mails_of_earlier_versions_become_jobs(database: Database, clock: TestClock) -> None:
    def mail(number: int, **fields: object) -> dict[str, object]:
        now = clock.now()
        return {
            "_id": f"mail {number}",
            "user_id": "heidi",
            "letter": "password_reset",
            "sealed": "abc",
            "state": "queued",
            "attempts": 2,
            "due_at": now,
            "error": None,
            "created_at": now,
            **fields,
        }

    (jobs,) = [one for one in MIGRATIONS if one.name == "jobs"]
    await database.raw("mails").insert_many([mail(1), mail(2, state="failed", error="SMTPDataError")])
    await jobs.run(database, Progress(database, jobs.number, None))
    await database.raw("mails").insert_one(mail(1))  # it was killed before it had deleted this one
    for _ in range(2):
        await jobs.run(database, Progress(database, jobs.number, None))
    assert "mails" not in await database.raw("mails").database.list_collection_names()
    found = await database.collection(Job).find().sort("_id").to_list()
    assert [(one["_id"], one["kind"], one["state"], one["attempts"]) for one in found] == [
        ("mail 1", "mail", "queued", 2),
        ("mail 2", "mail", "failed", 2),
    ]
    assert (found[0]["payload"], found[0]["sealed"]) == ({"letter": "password_reset"}, "abc")
    assert set(found[0]) == {"_id", *Job.__odm_fields__} - {"id"}
