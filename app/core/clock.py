"""The only place that asks what time it is, so that tests can set it."""

from collections.abc import Callable
from datetime import UTC, datetime


def system_now() -> datetime:
    """Now in UTC, cut to the millisecond, which is what MongoDB keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Clock:
    """A replaceable source of the time; `Clock.now` is aware, UTC, whole milliseconds."""

    def __init__(self, now: Callable[[], datetime] = system_now) -> None:
        self.now = now
