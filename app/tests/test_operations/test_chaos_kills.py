"""Nothing is lost with killed processes, neither mails nor merges: `make chaos-kills` in short."""

import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from app.core.config import Settings
from app.core.database.engine import Database
from chaos.errands import Errands
from chaos.kills import Plan, play, summary
from chaos.mails import Mails

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    # Each database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(tmp_path)


@pytest.mark.timeout(120)
async def test_nothing_is_lost_when_processes_are_killed(folder: Path) -> None:
    played = await play(Plan(kills=2, writers=4), folder, random.Random())
    assert played.tally.violations == []
    assert played.kills == 2
    assert played.tally.acknowledged > 10
    assert played.errands.mails.asked
    assert played.errands.mails.asked <= played.errands.mails.came.keys()
    assert played.errands.merged
    assert "| of these that never came, that came twice | 0," in summary(played)


@pytest.fixture
async def database(test_settings: Settings) -> AsyncIterator[Database]:
    """One of our own: the others' has mails that wait."""
    opened = Database.connect(test_settings.model_copy(update={"database_name": "chaos_mails"}))
    yield opened
    await opened.close()


async def test_a_mail_that_never_came_is_noticed(database: Database) -> None:
    mails = Mails()
    mails.asked = {"heidi@fluid.example", "justin@fluid.example"}
    mails.came = Counter({"justin@fluid.example": 2})
    assert await mails.settle(database, 10.0) == ["mail: heidi@fluid.example was asked for and never came"]
    assert mails.rows()[1][1] == "1, 1"


async def test_a_merge_that_is_not_whole_is_noticed(database: Database) -> None:
    errands = Errands()
    errands.merged = {"a placeholder": "a member"}
    assert await errands.settle(database, 10.0) == ["merge: a placeholder was acknowledged and is not whole"]


async def test_an_answer_that_should_never_come_is_a_fault() -> None:
    mails = Mails()
    answers = [httpx2.Response(503), httpx2.Response(500, text="no")]
    transport = httpx2.MockTransport(lambda _: answers.pop(0))
    async with httpx2.AsyncClient(transport=transport) as http:
        await mails.invite(http, "http://pastis.test/invitations")
    assert mails.faults == ["mail: 500 no"]
    assert not mails.asked
