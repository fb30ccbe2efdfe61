"""What former versions left is backed up before an upgrade, and restored after it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.database.migrations import migrate
from app.models.migrations import MIGRATIONS
from app.services.backups import Archive, BackupEngine
from app.services.bootstrap import Services
from app.tests.support.backups import archive, everything, restore
from app.tests.support.clock import TestClock
from app.utils.ids import new_id
from rehearsal.data_sets import levels, load
from rehearsal.work import WORKSPACE

pytestmark = pytest.mark.anyio


@pytest.fixture(params=levels())
async def former(request: pytest.FixtureRequest, test_settings: Settings) -> AsyncIterator[Database]:
    """As its version left it."""
    own = test_settings.model_copy(update={"database_name": f"former_{new_id()[-12:]}"})
    database = Database.connect(own)
    try:
        await load(database, request.param)
        yield database
        await database.client.drop_database(database.name)
    finally:
        await database.close()


@pytest.fixture
async def target(former: Database, clock: TestClock, tmp_path: Path) -> Archive:
    made = archive(tmp_path)
    await BackupEngine(former, clock).backup(made)
    return made


async def test_what_is_restored_is_what_migrations_make_of_it(
    former: Database, target: Archive, copy: Services, clock: TestClock
) -> None:
    assert target.backups()[-1].manifest.migrations[-1].number in levels()
    assert (await restore(copy, target)).good
    await migrate(former, MIGRATIONS, clock)
    assert await everything(copy.database) == await everything(former)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
async def test_it_is_taken_back_to_a_number(target: Archive, copy: Services, part: float) -> None:
    (mark,) = target.backups()[-1].manifest.workspaces
    assert (await restore(copy, target, seqs={WORKSPACE: int(mark.seq * part)})).good
