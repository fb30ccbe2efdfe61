"""The machine finds what it is there for: each rule that is broken on purpose makes it fail."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test

from app.core.unit_of_work.transaction import Transaction
from app.services.sync import audience, catch_up, compaction, queries, rules
from app.services.sync.catch_up import _Step
from app.services.sync.engine import SyncEngine
from app.services.sync.hub import Hub
from app.services.sync.reach import Difference, View, difference
from app.tests.test_api.sync import readers
from app.tests.test_api.sync.deeds import DEEDS
from app.tests.test_api.sync.machine import Tally, machine_of
from app.tests.test_api.sync.pair import Pair
from app.tests.test_api.sync.test_machine import STEPS, machine_settings

pytestmark = [pytest.mark.usefixtures("short_memory"), pytest.mark.uncounted]

Patch = pytest.MonkeyPatch
MOST_STEPS = 1500
PATIENCE_SECONDS = 1.5


def nothing(*_: Any, **__: Any) -> None:
    return None


def _nothing_is_purged(patch: Patch) -> None:
    def forgetful(*arguments: Any) -> Difference:
        return replace(difference(*arguments), lost=[])

    patch.setattr(catch_up, "difference", forgetful)


def _tasks_that_leave_stay(patch: Patch) -> None:
    for module in (audience, catch_up):
        real = module.changes

        def changes(*arguments: Any, real: Any = real) -> rules.Changes:
            found: rules.Changes = real(*arguments)
            found.ops = [op for op in found.ops if op["verb"] != "purge"]
            return found

        patch.setattr(module, "changes", changes)


def _rights_are_weighed_once(patch: Patch) -> None:
    patch.setattr(Hub, "weigh", nothing)


def _catching_up_is_by_rights_of_before(patch: Patch) -> None:
    real = catch_up._step

    def step(log: Any, viewer: Any, rights: Any, events: Any, of_rights: Any, cursor: Any) -> _Step:
        real(log, viewer, rights, events, of_rights, cursor)  # who must begin again still must
        before = log.view(viewer, rights.before(of_rights))
        same = difference(before, before)
        return _Step(before, same, rules.changes(events, before, rights.role_of))

    patch.setattr(catch_up, "_step", step)


def _frames_skip_one(patch: Patch) -> None:
    for module in (audience, catch_up):
        real = module.changes

        def changes(events: Sequence[Any], *more: Any, real: Any = real) -> Any:
            return real(events[1:] if events and events[-1]["seq"] % 7 == 0 else events, *more)

        patch.setattr(module, "changes", changes)


def _any_digest_will_do(patch: Patch) -> None:
    def step(log: Any, viewer: Any, rights: Any, events: Any, cursor: Any) -> _Step:
        now = log.view(viewer, rights)
        before = log.former_view(viewer, rights, events) or now
        found = difference(before, now, rules.projects_made(events))
        return _Step(now, found, rules.changes(events, found.kept, rights.role_of))

    patch.setattr(catch_up, "_step", step)


def _nothing_is_heard_of_the_other_process(patch: Patch) -> None:
    patch.setattr(SyncEngine, "_on_ring", nothing)
    patch.setattr(SyncEngine, "_follow", nothing)


def _repeats_are_done_again(patch: Patch) -> None:
    patch.setattr(Transaction, "_mutation_id", nothing)


def _fields_are_not_left_out(patch: Patch) -> None:
    patch.setattr(View, "shown", lambda _self, _kind, values: values)


def _a_log_leaves_no_tombstones(patch: Patch) -> None:
    patch.setattr(compaction, "departures", lambda _: ())


def _the_floor_is_not_looked_at(patch: Patch) -> None:
    real = queries.head

    async def head(*arguments: Any) -> Any:
        found = await real(*arguments)
        return found and {**found, "floor": 0}

    patch.setattr(queries, "head", head)


def _documents_do_not_say_where_they_were(patch: Patch) -> None:
    real = rules.departures

    def departures(events: Any) -> Any:
        return (one for one in real(events) if not one.moved)

    for module in (compaction, rules):
        patch.setattr(module, "departures", departures)


_MOVING = ("create_task", "move_task", "create_comment", "change_comment", "change_label", "create_label")
Bug = Callable[[Patch], None]
BUGS: Mapping[Bug, Sequence[str]] = {
    _nothing_is_purged: ("update_project", "change_grant", "create_grant", "update_member"),
    _tasks_that_leave_stay: ("create_task", "move_task", "update_project", "create_project"),
    _rights_are_weighed_once: ("update_project", "update_member", "create_grant", "add_member"),
    _catching_up_is_by_rights_of_before: ("update_project", "create_task", "update_member", "add_member"),
    _frames_skip_one: tuple(DEEDS),
    _any_digest_will_do: ("create_task", "create_comment", "update_task"),
    _nothing_is_heard_of_the_other_process: tuple(DEEDS),
    _repeats_are_done_again: tuple(DEEDS),
    _fields_are_not_left_out: tuple(DEEDS),
    _a_log_leaves_no_tombstones: _MOVING,
    _the_floor_is_not_looked_at: _MOVING,
    _documents_do_not_say_where_they_were: _MOVING,
}
"""Each with what has to happen for it to show: all else would only take time."""
QUICK = (
    _rights_are_weighed_once,
    _catching_up_is_by_rights_of_before,
    _frames_skip_one,
    _fields_are_not_left_out,
)
"""Those that an ordinary run has the time for; `make machine-sync` tries all."""


def _name(bug: Bug) -> str:
    return bug.__name__.strip("_")


@pytest.mark.parametrize("bug", BUGS if STEPS in os.environ else QUICK, ids=_name)
def test_the_machine_finds(
    bug: Bug, pair: Pair, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    bug(monkeypatch)
    monkeypatch.setattr(readers, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    tally = Tally()
    machine = machine_of(pair, tally, {name: DEEDS[name] for name in BUGS[bug]})
    with suppress(Exception):
        run_state_machine_as_test(machine, settings=machine_settings(MOST_STEPS, derandomize=True))
    assert tally.first, "not found"
    if STEPS in os.environ:
        with capsys.disabled():
            sys.stdout.write(f"\n{_name(bug)}: found after {tally.steps} steps, {tally.first[-200:]!r}\n")
