"""`pastis` by a wall clock that a file turns while it runs, as NTP steps one; monotonic time goes on."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

FILE = "CHAOS_CLOCK"
"""The environment variable that names the file."""
LOOK_SECONDS = 0.05


class _Turn:
    """By how many seconds, as the file says; one that is not there turns nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds = 0
        self._next_look = 0.0

    @property
    def seconds(self) -> int:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._seconds = int(self._file.read_text()) if self._file.exists() else 0
        return self._seconds


@contextmanager
def turned(file: Path) -> Iterator[None]:
    """Turn all that Pastis reads: its clock, and the time in new ids. Timers ask for monotonic time."""
    turn, true_time, true_ns = _Turn(file), time.time, time.time_ns

    def now(tz: tzinfo) -> datetime:
        return datetime.now(tz) + timedelta(seconds=turn.seconds)

    with (
        patch("app.core.clock.datetime", SimpleNamespace(now=now)),
        patch("time.time", lambda: true_time() + turn.seconds),
        patch("time.time_ns", lambda: true_ns() + turn.seconds * 10**9),
    ):
        yield


def main() -> None:
    with turned(Path(os.environ[FILE])):
        from app.cli import main as pastis  # only now, lest a module keep the true `time` by name

        pastis()


if __name__ == "__main__":
    main()
