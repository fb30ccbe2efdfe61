"""Sync under anything that can happen in two processes, against an oracle that knows nothing of sync."""

import os
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from app.tests.test_api.sync.machine import Tally, machine_of
from app.tests.test_api.sync.pair import Pair

pytestmark = [pytest.mark.usefixtures("short_memory"), pytest.mark.uncounted]

STEPS = "PASTIS_SYNC_STEPS"
USUAL_STEPS = 90
STEPS_A_WORLD = 45


def machine_settings(steps: int, **more: Any) -> settings:
    """No shrinking: a world of its own for each attempt would take hours, and the trace tells enough."""
    return settings(
        max_examples=-(-steps // STEPS_A_WORLD),
        stateful_step_count=STEPS_A_WORLD,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
        **more,
    )


def test_everybody_holds_what_the_oracle_says(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    steps = int(os.environ.get(STEPS) or USUAL_STEPS)
    tally = Tally()
    machine = machine_of(pair, tally)
    while tally.steps < steps and not tally.first:
        with suppress(Exception):  # the trace tells more
            run_state_machine_as_test(machine, settings=machine_settings(steps - tally.steps))
    if tally.first:
        pytest.fail(tally.first, pytrace=False)
    if STEPS in os.environ:
        with capsys.disabled():
            sys.stdout.write(f"\n{tally.line}\n")
    assert tally.deeds > steps // 2
