"""A clock that tests can turn."""

from datetime import timedelta

from app.core.clock import Clock, system_now


class TestClock(Clock):
    __test__ = False

    def __init__(self) -> None:
        self._shift = timedelta()
        super().__init__(lambda: system_now() + self._shift)

    def forward(self, **delta: float) -> None:
        self._shift += timedelta(**delta)

    def reset(self) -> None:
        self._shift = timedelta()
