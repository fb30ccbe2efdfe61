"""No acknowledged write is lost with a primary: `make chaos-failover` in short."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos import failover
from chaos.failover import BLOWS, BOUND_SECONDS, Plan, Played, play, summary
from chaos.replica_set import SETTINGS, Member
from chaos.service import ROOT, Service

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    # Each database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(tmp_path)


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("blow", list(BLOWS))
async def test_writes_go_on_without_the_primary(
    folder: Path, monkeypatch: pytest.MonkeyPatch, blow: str
) -> None:
    monkeypatch.setattr(failover, "BLOWS", {blow: BLOWS[blow]})
    played = await play(Plan(kills=1, writers=8), folder, random.Random())
    assert played.tally.violations == []
    assert played.blows == {blow: 1}
    assert played.tally.acknowledged > 10
    assert len(played.waits) == 1
    assert f"| primary {blow} | 1 times |" in summary(played)


async def test_a_run_that_fails_leaves_no_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("no API today")

    started: list[int] = []
    spawn = Member.start

    def note(member: Member) -> None:
        spawn(member)
        started.append(member.pid)

    monkeypatch.setattr(Service, "start", fail)
    monkeypatch.setattr(Member, "start", note)
    with pytest.raises(RuntimeError, match="no API today"):
        await play(Plan(kills=1), folder, random.Random(1))
    assert [is_there(pid) for pid in started] == [False] * 3


def test_a_run_is_good_within_the_bound_and_without_a_loss() -> None:
    assert Played(waits=[BOUND_SECONDS]).good
    assert not Played(waits=[1.0, BOUND_SECONDS + 0.1]).good
    lost = Played(waits=[1.0])
    lost.tally.violations.append("create /tasks (key): acknowledged and lost: no event has its key")
    assert not lost.good
    assert "| acknowledged writes lost or changed | 1 |" in summary(lost)


def test_what_is_deployed_elects_as_soon() -> None:
    script = (ROOT / "deploy" / "mongo" / "initiate.js").read_text()
    told = ", ".join(f"{name}: {value}" for name, value in SETTINGS.items())
    assert f"settings: {{ {told} }}" in script
