"""The locks of an embedded database's folder, and waiting, which another thread can end."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

LOCK_SECONDS = 90.0
NEVER = threading.Event()
_POLL_SECONDS = 0.02


class EmbeddedDatabaseError(Exception):
    """The embedded database cannot be used; the text says what, why and what to do."""


@contextlib.contextmanager
def start_lock(folder: Path, ended: threading.Event) -> Iterator[None]:
    """Hold `start.lock` for the block. Raises EmbeddedDatabaseError where others hold it too long."""
    with (folder / "start.lock").open("ab") as lock:
        if not until(lambda: lock_alone(lock), LOCK_SECONDS, ended):
            raise EmbeddedDatabaseError(
                f"Another Pastis has been starting or stopping the database in {folder} for more than "
                f"{LOCK_SECONDS:.0f} s. Look whether it hangs, end it, and try again."
            )
        yield


def lock_alone(file: IO[bytes]) -> bool:
    """Take the lock that nobody may share, if it is to be had now."""
    return _lock(file, fcntl.LOCK_EX)


def alone(users: IO[bytes]) -> bool:
    """Whether who shares the lock `users` shares it with nobody."""
    is_alone = lock_alone(users)
    fcntl.flock(users, fcntl.LOCK_SH)
    return is_alone


def alive(folder: Path) -> bool:
    """Whether a server's process holds `server.lock`."""
    with (folder / "server.lock").open("ab") as lock:
        # Shared, so that two who look at once do not take each other for a server.
        return not _lock(lock, fcntl.LOCK_SH)


def _lock(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def until(check: Callable[[], bool], seconds: float, ended: threading.Event = NEVER) -> bool:
    """Whether it came true in time. Raises EmbeddedDatabaseError when `ended` is set."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        pause(ended)
    return True


def pause(ended: threading.Event) -> None:
    """Wait a moment. Raises EmbeddedDatabaseError when `ended` is set."""
    if ended.wait(_POLL_SECONDS):
        raise EmbeddedDatabaseError("The database is not needed any more.")
