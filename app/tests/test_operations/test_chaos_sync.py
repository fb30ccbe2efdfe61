"""Everybody holds what the database does after kills, stops, cuts and steps: `make chaos-sync` in short."""

import random
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pastis_client.replica import Frame, Replica

from app.core.clock import Clock
from chaos.followers import Chain, Told
from chaos.replica_set import Member
from chaos.service import Service
from chaos.sync import Plan, Played, play, table
from chaos.sync_verify import _hold_answers
from chaos.turned_clock import LOOK_SECONDS, turned

pytestmark = pytest.mark.anyio
FAULTS = ("connections cut", "primary killed", "API killed", "API stopped (SIGSTOP)", "clock stepped")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    # Each database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(tmp_path)


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_every_replica_is_the_database_in_the_end(folder: Path) -> None:
    plan = Plan(seconds=12.0, clients=20, writers=5, pause=0.2, faults=FAULTS, patience=90.0)
    played = await play(plan, folder, random.Random(4))
    assert played.violations == []
    assert (played.lost, played.doubled) == (0, 0)
    assert played.faults == dict.fromkeys(FAULTS, 1)
    assert played.told.connections > plan.clients
    assert played.told.frames > plan.clients
    assert len(played.told.acknowledged) > 20
    assert table(played).endswith("| violations | 0 |")


async def test_a_run_that_fails_leaves_no_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("no API today")

    started: list[int] = []
    spawn = Member.start

    def note(member: Member) -> None:
        spawn(member)
        assert member._process is not None
        started.append(member._process.pid)

    monkeypatch.setattr(Service, "start", fail)
    monkeypatch.setattr(Member, "start", note)
    with pytest.raises(RuntimeError, match="no API today"):
        await play(Plan(seconds=1.0), folder, random.Random(1))
    assert [is_there(pid) for pid in started] == [False] * 3


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_a_clock_is_turned_and_comes_back_while_it_is_read(folder: Path, seconds: int) -> None:
    service, clock = Service(folder, 1.0), Clock()

    def ahead() -> float:
        return (clock.now() - datetime.now(UTC)).total_seconds()

    with turned(service.clock):
        for step in (0, seconds, 0):
            service.turn_clock(step)
            before = time.monotonic()
            time.sleep(2 * LOOK_SECONDS)
            assert ahead() == pytest.approx(step, abs=1.0)
            assert time.time() == pytest.approx(datetime.now(UTC).timestamp() + step, abs=1.0)
            assert time.time_ns() == pytest.approx(time.time() * 1e9, abs=1e9)
            assert 0.0 < time.monotonic() - before < abs(seconds)
    assert ahead() == pytest.approx(0.0, abs=1.0)


def test_a_chain_that_breaks_is_noticed() -> None:
    told = Told()
    chain = Chain("client", told)
    chain.begin(Replica("a", 4, ""))
    chain.add(Frame("a", 4, 6, ""), before=4)
    assert told.flaws == []
    chain.add(Frame("a", 7, 8, ""), before=7)
    chain.add(Frame("b", 8, 9, ""), before=8)
    chain.begin(Replica("b", 3, ""))
    chain.finish(Replica("b", 5, ""))
    assert [flaw.removeprefix("chain of client: ") for flaw in told.flaws] == [
        "7-8 follows ('a', 6)",
        "8-9 follows ('a', 8)",
        "a snapshot of 3 after 9",
        "it leads to ('b', 3), and the replica is at 5",
    ]
    assert (told.frames, told.snapshots) == (3, 1)


def test_answers_that_the_log_belies_are_noticed() -> None:
    """But a change that one may not see any more may be refused when it is asked for again."""
    events = [{"mutation": name, "seq": seq} for seq, name in enumerate(["a", "b", "b", "c", "d"], 1)]
    refused = {"c": "409 conflict", "d": "404 not_found", "e": "409 conflict"}
    told = Told(acknowledged={"a": 1, "b": 2, "lost": 9, "nothing": 0}, refused=refused)
    played = Played(1)
    _hold_answers(events, told, played)
    assert (played.lost, played.doubled) == (1, 1)
    assert [flaw.partition(":")[0] for flaw in played.violations] == ["lost", "b", "c"]
