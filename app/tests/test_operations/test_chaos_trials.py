"""Faults end in clear errors, no loss, and recovery by itself: `make chaos-faults` in short."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos import trials
from chaos.trial import NotHereError, Trial
from chaos.trials import line, play

pytestmark = pytest.mark.anyio
# Those that are left out wait for bounds of half a minute, or have a short version elsewhere.
SHORT = (
    "disk full",
    "disk full, embedded database",
    "database 300 ms away",
    "database stalled for 10 s",
    "large bodies, little memory",
    "clock an hour ahead, then behind",
    "50 uploads at once",
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    # Each database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(tmp_path)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SHORT)
async def test_a_fault_loses_nothing_and_writes_go_on(folder: Path, name: str) -> None:
    trial = await play(name, folder, random.Random(), 0.3)
    assert trial.violations == []
    if trial.seen and trial.seen[0].startswith("not tried"):
        pytest.skip(trial.seen[0])
    assert trial.acknowledged > 0
    assert trial.recovery is not None
    assert not {told for told in trial.told if told.startswith("500")}


async def test_what_cannot_be_tried_here_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: Trial) -> None:
        raise NotHereError("only root may mount a small disk")

    monkeypatch.setattr(trials, "TRIALS", {"disk full": refuse})
    told = line(await play("disk full", folder, random.Random()))
    assert told == "| disk full | nothing | 0, 0 | 0.00 s |  | not tried: only root may mount a small disk |"


def test_what_does_not_hold_is_counted(folder: Path) -> None:
    trial = Trial("a fault", folder, random.Random())
    trial.hold("fine", true=True)
    trial.hold("not fine", true=False)
    trial.told["503 database_unavailable"] += 2
    assert line(trial) == "| a fault | 503 database_unavailable: 2 | 0, 1 | 0.00 s |  |  |"
