"""How commands end when they are told to."""

import asyncio
import signal
from contextlib import suppress

import pytest

from app.commands.console import _interrupted_by_signals
from app.commands.context import run


async def deaf(number: signal.Signals) -> None:
    """What is raised here is lost, as in the driver's callbacks."""
    with suppress(BaseException):
        signal.raise_signal(number)
    await asyncio.sleep(10)
    pytest.fail("it went on")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_what_runs(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), _interrupted_by_signals():
        run(deaf(number))


@pytest.mark.parametrize("ctrl_c", [signal.default_int_handler, signal.SIG_IGN])
def test_a_signal_ends_the_block(ctrl_c: signal.Handlers) -> None:
    former = signal.signal(signal.SIGINT, ctrl_c)
    try:
        with pytest.raises(KeyboardInterrupt), _interrupted_by_signals():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, former)
