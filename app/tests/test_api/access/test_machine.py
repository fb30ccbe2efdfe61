"""Anything that can happen to accounts, logins, roles and what is shared, against an oracle of its own."""

import os
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from app.tests.test_api.access.machine import machine_of
from app.tests.test_api.access.play import Tally
from app.tests.test_api.access.processes import Processes

pytestmark = pytest.mark.uncounted

STEPS = "PASTIS_MACHINE_STEPS"
USUAL_STEPS = 300
STEPS_A_WORLD = 150


def machine_settings(steps: int, **more: Any) -> settings:
    """No shrinking: a world of its own for each attempt would take hours, and the trace tells enough."""
    return settings(
        max_examples=-(-steps // STEPS_A_WORLD),
        stateful_step_count=STEPS_A_WORLD + 1,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
        **more,
    )


def tell(capsys: pytest.CaptureFixture[str], *lines: str) -> None:
    """To who runs `make machine-access`; an ordinary run of the tests is silent."""
    if STEPS in os.environ:
        with capsys.disabled():
            sys.stdout.write("\n".join(["", *lines, ""]))


def test_nobody_sees_or_does_more_or_less_than_the_oracle_says(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = int(os.environ.get(STEPS) or USUAL_STEPS)
    tally = Tally()
    machine = machine_of(processes, tally)
    try:
        while tally.steps < steps:
            run_state_machine_as_test(machine, settings=machine_settings(steps - tally.steps))
    finally:
        tell(capsys, *tally.lines())
    assert tally.checks > 3 * steps
