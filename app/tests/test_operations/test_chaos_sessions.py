"""Nobody is thrown out, nobody stays in: `make chaos-sessions` in short, and the proof that it can fail."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from chaos.logins import Login, Tally
from chaos.sessions import Findings, Plan, play

pytestmark = pytest.mark.anyio
TOKENS = {"access_token": "a", "refresh_token": "r"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    # Each database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(tmp_path)


async def test_nobody_is_thrown_out_and_nobody_stays_in(folder: Path) -> None:
    findings = await play(Plan(refreshes=300, kills=1, revocations=10, replay=False), folder, random.Random())
    assert findings.violations == []
    assert [line.partition(":")[0] for line in findings.lines] == [
        "Lost answers",
        "At once",
        "Killed API",
        "Killed database",
        "Revocation",
    ]


def client(*statuses: int) -> httpx2.AsyncClient:
    """One that is answered so, in turn."""
    answers = [httpx2.Response(status, json={"refresh_token": "next"}) for status in statuses]
    transport = httpx2.MockTransport(lambda _: answers.pop(0))
    return httpx2.AsyncClient(transport=transport, base_url="http://pastis.test")


async def test_a_refusal_is_a_forced_login() -> None:
    tally = Tally()
    async with client(503, 401) as http:
        assert not await Login(http, TOKENS, tally, random.Random(1)).refresh(0)
    assert (tally.forced, tally.unanswered, tally.refreshes) == (1, 1, 0)


async def test_a_lost_answer_changes_no_token() -> None:
    tally = Tally()
    chance = random.Random(1)
    async with client(200, 200, 200, 200) as http:
        login = Login(http, TOKENS, tally, chance)
        assert await login._ask(1.0) is None
        assert login.tokens == TOKENS
        assert await login.refresh(0)
        assert login.tokens == {"refresh_token": "next"}
    assert (tally.lost, tally.refreshes) == (1, 1)


def test_what_does_not_hold_is_a_violation() -> None:
    findings = Findings()
    findings.hold("fine", true=True)
    findings.hold("not fine", true=False)
    assert findings.violations == ["not fine"]
