"""Every state of the sync protocol's model: `make model` in short, and the proof that it can fail."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from model import words, worlds
from model.bugs import Bug
from model.checker import RESTLESS, Step, explore
from model.properties import ARRIVES, GAPLESS
from model.protocol import Sync
from model.seeded import SEEDED
from model.state import Command, Faults, State
from model.worlds import WORLDS, World

ROOT = Path(__file__).parents[3]
LENGTHS = {
    Bug.OUTSIDE: 2,
    Bug.LOCK: 8,
    Bug.RECORD: 5,
    Bug.EARLY_ANSWER: 4,
    Bug.EARLY_REPEAT: 6,
    Bug.MEMORY: 5,
    Bug.DIRTY: 8,
    Bug.ORDER: 7,
    Bug.BELL: 5,
    Bug.HUB_FLOOR: 9,
    Bug.LAG: 4,
    Bug.FLOOR: 7,
    Bug.HALVES: 2,
    Bug.TOMBS: 7,
    Bug.MOVED: 9,
    Bug.START: 10,
    Bug.OVERLAP: 11,
    Bug.EPOCH: 3,
    Bug.EARLY_RIGHTS: 8,
    Bug.VIEW: 6,
    Bug.NO_REBASE: 6,
    Bug.MOVE: 6,
    Bug.PATCH: 6,
    Bug.MOMENTS: 3,
}
"""Of the shortest ways to each. A longer one found first would mean that the search is not breadth first."""
ONLY_BUGS = {"number", "record", "move floor", "head of snapshot", "documents of snapshot"}


class Clock:
    """A toy: a hand that goes round `size` hours by ones and threes, or stands still at the end."""

    def __init__(self, size: int, *, round_: bool = False, midnight: int = -1) -> None:
        self._size = size
        self._round = round_
        self._midnight = midnight

    def initial(self) -> int:
        return 0

    def steps(self, state: int) -> Iterator[Step[int]]:
        for hours in (1, 3):
            if self._round or state + hours < self._size:
                yield Step(("turn", hours), (state + hours) % self._size, due=True)

    def alike(self, state: int) -> int:
        return state

    def broken(self, state: int) -> str | None:
        return "it is not midnight" if state == self._midnight else None

    def unrest(self, state: int) -> str | None:
        return None if state == self._size - 1 else "it stands at the end"


def test_the_checker_sees_every_state_and_the_shortest_way() -> None:
    report = explore(Clock(12))
    assert (report.states, report.steps, report.depth, report.violation) == (12, 20, 5, None)
    violation = explore(Clock(12, midnight=7)).violation
    assert violation is not None
    assert sorted(violation.trace) == [("turn", 1), ("turn", 3), ("turn", 3)]


def test_the_checker_notices_what_never_comes_to_rest() -> None:
    violation = explore(Clock(12, round_=True)).violation
    assert violation is not None
    assert violation.property == RESTLESS
    around = violation.trace[-violation.again :]
    assert around
    assert sum(sum(hours) for _, *hours in around) % 12 == 0


def test_the_checker_notices_a_rest_in_the_wrong_place() -> None:
    class Stuck(Clock):
        def steps(self, state: int) -> Iterator[Step[int]]:
            return (step for step in super().steps(state) if state != 4)

    violation = explore(Stuck(12)).violation
    assert violation is not None
    assert (violation.property, len(violation.trace)) == ("it stands at the end", 2)


def test_the_checker_does_not_go_on_for_ever() -> None:
    with pytest.raises(RuntimeError, match="more than 5 states"):
        explore(Clock(12), limit=5)


def test_every_property_holds_in_every_state_and_everything_happens() -> None:
    reports = [explore(Sync(world)) for world in WORLDS]
    assert [report.violation for report in reports] == [None] * len(WORLDS)
    assert sum(report.states for report in reports) > 100_000
    assert all(report.states > 5_000 for report in reports)
    happened = frozenset[str]().union(*(report.verbs for report in reports))
    assert words._WORDS.keys() - ONLY_BUGS == happened


@pytest.mark.parametrize("bug", Bug, ids=lambda bug: bug.name.lower())
def test_each_bug_is_found_by_a_shortest_trace(bug: Bug) -> None:
    world, broken = SEEDED[bug]
    buggy = world.with_bug(bug)
    violation = explore(Sync(buggy)).violation
    assert violation is not None
    assert (violation.property, len(violation.trace)) == (broken, LENGTHS[bug])
    model, state = Sync(buggy), Sync(buggy).initial()
    for label in violation.trace:
        assert model.broken(state) is None
        # Nothing but the label says which; of those with the same one, it is the one that leads there.
        state = next(step.state for step in model.steps(state) if step.label == label)
    assert broken in {model.broken(violation.state), model.unrest(violation.state)}


class WithNames(Sync):
    def alike(self, state: State) -> State:
        return state


@pytest.mark.parametrize("bug", [None, Bug.FLOOR, Bug.EARLY_RIGHTS])
def test_that_names_of_processes_are_not_told_apart_changes_nothing(bug: Bug | None) -> None:
    world = worlds.REVOKE.with_bug(bug) if bug else worlds.REVOKE
    short, long = explore(Sync(world)), explore(WithNames(world))
    assert 1.5 * short.states < long.states < 2 * short.states
    found = [one.violation and (one.violation.property, len(one.violation.trace)) for one in (short, long)]
    assert found[0] == found[1]
    assert (found[0] is None) == (bug is None)


def test_ids_of_events_keep_numbers_right_until_compaction_deletes_them() -> None:
    """Where the lock is dropped. Changes without an event are lost all the same."""
    script = (Command("edit"), Command("edit"), Command("edit", 1))
    docs = ((0, 0, 0), (0, 0, 0))
    edits = World("edits", script, Faults(1, 1), docs, reader=False, remember=True, bug=Bug.LOCK)
    assert explore(Sync(edits)).violation is None
    violation = explore(Sync(replace(edits, faults=Faults(compactions=1)))).violation
    assert violation is not None
    assert violation.property == GAPLESS


def test_a_client_that_is_left_behind_is_noticed_though_nothing_more_happens() -> None:
    model = Sync(worlds.HUBS.with_bug(Bug.BELL))
    violation = explore(model).violation
    assert violation is not None
    assert violation.property == ARRIVES
    assert not [step for step in model.steps(violation.state) if step.due]


def test_a_trace_is_told_in_words() -> None:
    command = [sys.executable, "-m", "model.run", "--bug", "floor"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = run.stdout.splitlines()
    assert lines[0] == f"found in  7 steps: {Bug.FLOOR.value}"
    assert [line for line in lines if "compaction moves the floor" in line]
    assert lines[-1].startswith("  client at ")
