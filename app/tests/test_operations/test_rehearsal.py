"""Data of every former level becomes the same, wherever its migration dies: `make rehearse-migrations`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from pymongo import UpdateOne

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.database.migrations import Migration, Progress, migrate
from app.models import migrations as declared
from app.models.migrations import MIGRATIONS
from app.services.bootstrap import Services
from app.services.integrity import check_all
from app.tests.support.backups import serving
from app.tests.support.clients import Client, ok
from app.tests.support.clock import TestClock
from app.utils.ids import new_id
from rehearsal.data_sets import digest, digests, levels, load
from rehearsal.deaths import Death, end_lease, migrate_until
from rehearsal.work import EMAIL, PASSWORD, WORKSPACE

pytestmark = pytest.mark.anyio

NEVER_LAST = {3}
"""Levels at which no version of Pastis ever left data: the migration came with the one after it."""

Fresh = Callable[[], AbstractAsyncContextManager[Database]]


@pytest.fixture
def fresh(test_settings: Settings) -> Fresh:
    """Databases that nobody has used, gone after their block."""

    @asynccontextmanager
    async def made() -> AsyncIterator[Database]:
        own = test_settings.model_copy(update={"database_name": f"level_{new_id()[-12:]}"})
        database = Database.connect(own)
        try:
            yield database
            await database.client.drop_database(database.name)
        finally:
            await database.close()

    return made


def url(settings: Settings) -> str:
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


def test_there_is_data_of_every_former_level() -> None:
    missing = {one.number - 1 for one in MIGRATIONS if one.number > 1} - NEVER_LAST - {*levels()}
    assert not missing, f"python -m rehearsal.capture --code VERSION makes data sets of the levels {missing}"
    assert levels() == sorted(map(int, digests()))


@pytest.mark.parametrize("level", levels())
async def test_each_migration_does_what_it_always_did(level: int, fresh: Fresh, clock: TestClock) -> None:
    async with fresh() as database:
        await load(database, level)
        found = {}
        for number in range(level, len(MIGRATIONS) + 1):
            await migrate(database, MIGRATIONS[:number], clock)
            found[str(number)] = await digest(database)
    assert found == digests()[str(level)]


@pytest.mark.parametrize("level", levels())
async def test_killed_at_every_step_and_run_again(
    level: int, fresh: Fresh, test_settings: Settings, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "_BATCH", 10)
    wanted = digests()[str(level)][str(len(MIGRATIONS))]
    step, done = 0, False
    while not done:
        async with fresh() as database:
            await load(database, level)
            done = await migrate_until(url(test_settings), database.name, MIGRATIONS, Death(step))
            await end_lease(database)
            await migrate(database, MIGRATIONS, clock)
            assert await digest(database) == wanted, f"killed after {step} writes"
        step += 1
    assert step > 1 or level == len(MIGRATIONS)


async def test_one_that_does_not_bear_it_is_found(
    fresh: Fresh, test_settings: Settings, clock: TestClock
) -> None:
    async def count(database: Database, _progress: Progress) -> None:
        for one in await database.raw("labels").find().to_list():
            await database.raw("labels").bulk_write(
                [UpdateOne({"_id": one["_id"]}, {"$inc": {"version": 1}})]
            )

    careless = [*MIGRATIONS, Migration(len(MIGRATIONS) + 1, "careless", count)]
    found = set()
    for writes in range(2, 6):
        async with fresh() as database:
            await load(database, len(MIGRATIONS))
            await migrate_until(url(test_settings), database.name, careless, Death(writes))
            await end_lease(database)
            await migrate(database, careless, clock)
            found.add(await digest(database))
    assert len(found) > 1


@pytest.mark.parametrize("level", levels())
async def test_the_application_serves_it(
    level: int, fresh: Fresh, test_settings: Settings, clock: TestClock
) -> None:
    async with fresh() as database:
        await load(database, level)
        own = test_settings.model_copy(update={"database_name": database.name})
        async with serving(own, clock) as (services, anonymous):
            await _work(services, anonymous)


async def _work(services: Services, anonymous: Client) -> None:
    """What was there is seen, can be changed, and is what its log says."""
    login = ok(await anonymous.post("/api/v1/auth/login", {"email": EMAIL, "password": PASSWORD}))
    api = anonymous.as_(login["access_token"]).at(f"/api/v1/workspaces/{WORKSPACE}")
    tasks = ok(await api.get("/tasks?limit=200"))["items"]
    assert "Focus is lost when the dialog closes" in {one["title"] for one in tasks}
    for task in tasks:
        ok(await api.get(f"/tasks/{task['key']}/activity"))
    changed = ok(await api.patch(f"/tasks/{tasks[0]['key']}", {"title": "Migrated"}))
    ok(await api.post(f"/events/{changed['version']}/undo"), 204)
    assert len(ok(await api.get("/memberships?limit=200"))["items"]) >= 8
    assert all(report.good for report in await check_all(services.database))
