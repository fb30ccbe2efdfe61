"""A server that dies while it is used comes back, and how often that is tried."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from app.core.database import embedded_keeper
from app.core.database.embedded import EmbeddedDatabase, open_embedded
from app.core.database.embedded_keeper import kept_alive
from app.core.database.embedded_locks import EmbeddedDatabaseError
from app.tests.test_database.embedded.conftest import connected

Log = list[Any]


@pytest.fixture
def log() -> Iterator[Log]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before restarts, which take no time."""
    seen: list[float] = []
    wait = threading.Event.wait

    def hurry(event: threading.Event, timeout: float | None = None) -> bool:
        if timeout == embedded_keeper.LOOK_SECONDS:
            timeout = 0.005
        elif threading.current_thread().name == "embedded-keeper" and timeout is not None:
            seen.append(timeout)
            timeout = 0.005
        return wait(event, timeout)

    monkeypatch.setattr(embedded_keeper, "LOOK_SECONDS", 1.0625)  # unlike every pause
    monkeypatch.setattr(threading.Event, "wait", hurry)
    return seen


class Mortal:
    """Stands for a database whose server dies, and starts again as often as it may."""

    folder = Path("database")

    def __init__(self, *starts: Exception | None) -> None:
        """What becomes of each start; after the last one it lives."""
        self.starts = list(starts)
        self.alive = False
        self.settled = threading.Event()

    def lives(self) -> bool:
        if self.alive and self.starts:
            self.alive = False  # it died again, at once
        elif self.alive:
            self.settled.set()
        return self.alive

    def start_again(self, ended: threading.Event) -> str:
        failure = self.starts.pop(0)
        if failure:
            raise failure
        self.alive = True
        return "started"


def keep(mortal: Mortal) -> None:
    with kept_alive(cast("EmbeddedDatabase", mortal)):
        assert mortal.settled.wait(10)


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_start_that_fails_is_tried_again_ever_more_rarely(pauses: list[float], log: Log) -> None:
    full = [OSError("No space left"), EmbeddedDatabaseError("it stopped")]
    keep(Mortal(*full, *full, *full, None))
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    events = [(line["log_level"], line["event"]) for line in log]
    assert events == [
        ("error", "the embedded database died"),
        *[("warning", "the embedded database stays dead")] * 6,
        ("warning", "the embedded database is back"),
    ]
    assert (log[1]["reason"], log[1]["next_try_in_seconds"]) == ("No space left", 1.0)


def test_a_server_that_dies_again_and_again_is_restarted_ever_more_rarely(
    pauses: list[float], log: Log
) -> None:
    keep(Mortal(None, None, None))
    assert pauses == [0.5, 1.0, 2.0]
    assert [line["event"] for line in log] == [
        "the embedded database died",
        "the embedded database is back",
    ] * 3


def test_a_server_that_lived_for_long_is_restarted_soon(
    pauses: list[float], log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_keeper, "STEADY_SECONDS", 0.0)
    keep(Mortal(None, None, None))
    assert pauses == [0.5, 0.5, 0.5]


def test_a_killed_server_is_started_again_on_its_port(data_dir: Path, log: Log) -> None:
    with open_embedded(data_dir) as database, kept_alive(database), connected(database.url) as client:
        client.test.notes.insert_one({"text": "kept"})
        os.kill(int((data_dir / "database" / "server.pid").read_text()), signal.SIGKILL)
        until(lambda: len(log) == 2)
        assert client.test.notes.count_documents({"text": "kept"}) == 1
    assert not database.lives()


def test_the_port_of_a_server_that_others_use_is_waited_for(data_dir: Path) -> None:
    with open_embedded(data_dir) as database:
        port = int(database.url.split(":")[2].split("/")[0])
        os.kill(int((data_dir / "database" / "server.pid").read_text()), signal.SIGKILL)
        until(lambda: not database.lives())
        with socket.socket() as squatter:
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections to the dead linger
            squatter.bind(("127.0.0.1", port))
            squatter.listen()
            with pytest.raises(EmbeddedDatabaseError, match=f"Another program took the port {port}"):
                database.start_again(threading.Event())
        assert f", started on 127.0.0.1:{port}," in database.start_again(threading.Event())
        assert database.lives()


def test_nothing_is_waited_for_once_nobody_needs_it(data_dir: Path) -> None:
    ended = threading.Event()
    with open_embedded(data_dir) as database:
        os.kill(int((data_dir / "database" / "server.pid").read_text()), signal.SIGKILL)
        until(lambda: not database.lives())
        threading.Timer(0.1, ended.set).start()
        with pytest.raises(EmbeddedDatabaseError, match="not needed any more"):
            database.start_again(ended)
        assert database.lives()
    assert not database.lives()
