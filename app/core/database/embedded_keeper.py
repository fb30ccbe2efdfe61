"""Brings the embedded database back when its server dies under those who use it.

Every user looks for itself. Who comes first starts the server, as `open_embedded` does in any folder whose
server is gone; the others wait for the lock that this takes, find the server running, and their
connections come back by themselves. Requests know nothing of it: they wait for a server up to the timeout,
then are answered 503.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import SubprocessError
from time import monotonic

from app.core import logging
from app.core.database.embedded import EmbeddedDatabase
from app.core.database.embedded_locks import EmbeddedDatabaseError

LOOK_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
# A server that lived so long has not died of what its predecessor died of.
STEADY_SECONDS = 60.0

logger = logging.get_logger(__name__)


@contextmanager
def kept_alive(database: EmbeddedDatabase) -> Iterator[None]:
    """Start the server again whenever it dies during the block; a start under way ends with the block."""
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(database, ended), name="embedded-keeper")
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _keep(database: EmbeddedDatabase, ended: threading.Event) -> None:
    pause, since = FIRST_PAUSE_SECONDS, monotonic()
    while not ended.wait(LOOK_SECONDS):
        if database.lives():
            continue
        if monotonic() - since > STEADY_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        logger.error("the embedded database died", folder=str(database.folder), restart_in_seconds=pause)
        pause, since = _bring_back(database, ended, pause), monotonic()


def _bring_back(database: EmbeddedDatabase, ended: threading.Event, pause: float) -> float:
    """Try until the server is back or nobody needs it; give the pause before a next restart."""
    while not ended.wait(pause):
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        try:
            line = database.start_again(ended)
        # A full disk or a lack of memory may pass.
        except (EmbeddedDatabaseError, OSError, SubprocessError) as error:
            if not ended.is_set():
                logger.warning(
                    "the embedded database stays dead", reason=str(error), next_try_in_seconds=pause
                )
        else:
            logger.warning("the embedded database is back", detail=line)
            break
    return pause
