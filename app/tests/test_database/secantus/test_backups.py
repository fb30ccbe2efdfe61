"""Backups on SecantusDB: made there and restored there, from MongoDB to it, and of a former level."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.database.migrations import migrate
from app.models.migrations import MIGRATIONS
from app.services.backups import BackupEngine
from app.tests.support.backups import archive, back_up, empty, everything, installation, restore
from app.tests.support.clients import ok
from app.tests.support.clock import TestClock
from app.tests.support.factories import found_workspace
from app.utils.ids import new_id
from rehearsal.data_sets import load

pytestmark = pytest.mark.anyio


@pytest.fixture
def there(url: str, test_settings: Settings) -> Settings:
    return test_settings.model_copy(update={"database_url": SecretStr(url), "database_timeout_seconds": 20.0})


async def test_there_and_back(there: Settings, clock: TestClock, tmp_path: Path) -> None:
    target = archive(tmp_path / "backups")
    async with installation(there, clock) as (services, anonymous):
        workspace = await found_workspace(services, anonymous)
        task = await workspace.task()
        await back_up(services, target)
        await workspace.comment(task)
        ok(await workspace.api.patch(f"/tasks/{task['id']}", {"title": "Changed"}))
        await back_up(services, target)
        async with empty(there, clock) as copy:
            assert (await restore(copy, target)).good
            assert await everything(copy.database) == await everything(services.database)
        async with empty(there, clock) as copy:
            assert (await restore(copy, target, number=1)).good


async def test_from_mongodb_and_from_a_former_level(
    there: Settings, test_settings: Settings, clock: TestClock, tmp_path: Path
) -> None:
    target = archive(tmp_path / "backups")
    former = Database.connect(test_settings.model_copy(update={"database_name": f"former_{new_id()[-12:]}"}))
    try:
        await load(former, 2)
        await BackupEngine(former, clock).backup(target)
        await migrate(former, MIGRATIONS, clock)
        async with empty(there, clock) as copy:
            assert (await restore(copy, target)).good
            assert await everything(copy.database) == await everything(former)
        await former.client.drop_database(former.name)
    finally:
        await former.close()
