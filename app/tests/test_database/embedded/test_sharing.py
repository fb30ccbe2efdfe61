"""Several processes on one embedded database, and what remains when any of them is killed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.database import embedded, embedded_locks
from app.core.database.embedded import open_embedded
from app.core.database.embedded_locks import EmbeddedDatabaseError
from app.tests.test_database.embedded.conftest import User, connected

StartUser = Callable[[], User]


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "database" / "server.pid").read_text())


def alive(data_dir: Path) -> bool:
    return embedded_locks.alive(data_dir / "database")


def note(url: str, text: str) -> None:
    with connected(url) as client:
        client.test.notes.insert_one({"text": text})


def notes(url: str) -> list[str]:
    with connected(url) as client:
        return [found["text"] for found in client.test.notes.find().sort("_id")]


def test_the_last_of_two_users_stops_the_server(data_dir: Path, start_user: StartUser) -> None:
    first, second = start_user(), start_user()
    assert first.url() == second.url() != ""

    assert first.close() == 0
    assert alive(data_dir)
    assert second.close() == 0
    assert not alive(data_dir)


def test_processes_that_start_at_once_share_one_server(data_dir: Path, start_user: StartUser) -> None:
    users = [start_user() for _ in range(4)]
    urls = {user.url() for user in users}

    assert len(urls) == 1
    with open_embedded(data_dir) as database:
        assert {database.url} == urls
        assert "already running" in database.line
    assert [user.close() for user in users] == [0] * 4
    assert not alive(data_dir)


def test_two_uses_in_one_process_count_as_two(data_dir: Path) -> None:
    first = open_embedded(data_dir)
    second = open_embedded(data_dir)
    first.close()
    first.close()
    assert alive(data_dir)
    note(second.url, "still served")
    second.close()
    assert not alive(data_dir)


def test_a_killed_user_does_not_count_any_more(data_dir: Path, start_user: StartUser) -> None:
    killed, other = start_user(), start_user()
    assert killed.url() == other.url()
    killed.end()

    assert alive(data_dir)
    other.close()
    assert not alive(data_dir)


def test_the_server_of_a_killed_user_is_joined_and_stopped(data_dir: Path, start_user: StartUser) -> None:
    killed = start_user()
    note(killed.url(), "kept")
    killed.end()
    pid = server_pid(data_dir)

    with open_embedded(data_dir) as database:
        assert server_pid(data_dir) == pid
        assert notes(database.url) == ["kept"]
    assert not alive(data_dir)


def test_a_killed_server_comes_back_with_its_data(data_dir: Path) -> None:
    first = open_embedded(data_dir)
    note(first.url, "kept")
    os.kill(server_pid(data_dir), signal.SIGKILL)

    with open_embedded(data_dir) as second:
        assert second.url == first.url
        assert notes(second.url) == ["kept"]
        first.close()
        assert alive(data_dir)
    assert not alive(data_dir)


def test_a_stale_process_number_harms_no_one(data_dir: Path) -> None:
    with open_embedded(data_dir) as database:
        note(database.url, "kept")
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        (data_dir / "database" / "server.pid").write_text(f"{bystander.pid}\n")
        with open_embedded(data_dir) as database:
            assert notes(database.url) == ["kept"]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_deaf_server_without_users_is_replaced(
    data_dir: Path, start_user: StartUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = start_user()
    note(killed.url(), "kept")
    killed.end()
    pid = server_pid(data_dir)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(embedded, "STOP_SECONDS", 0.5)
    monkeypatch.setattr(embedded, "START_SECONDS", 10.0)

    with open_embedded(data_dir) as database:
        assert server_pid(data_dir) != pid
        assert notes(database.url) == ["kept"]


def test_a_deaf_server_with_other_users_is_reported(
    data_dir: Path, start_user: StartUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = start_user()
    other.url()
    os.kill(server_pid(data_dir), signal.SIGSTOP)
    monkeypatch.setattr(embedded, "START_SECONDS", 0.5)
    try:
        with pytest.raises(EmbeddedDatabaseError, match="does not serve"):
            open_embedded(data_dir)
    finally:
        os.kill(server_pid(data_dir), signal.SIGCONT)
    other.close()
    assert not alive(data_dir)


def test_interrupting_a_process_ends_both_within_five_seconds(data_dir: Path, start_user: StartUser) -> None:
    user = start_user()
    note(user.url(), "kept")

    # What a terminal does with Ctrl-C: the whole group of the process gets it.
    begun = time.monotonic()
    os.killpg(user.process.pid, signal.SIGINT)
    assert user.process.wait(timeout=10) == 130
    assert time.monotonic() - begun < 5
    assert not alive(data_dir)
    with open_embedded(data_dir) as database:
        assert notes(database.url) == ["kept"]


def test_a_start_that_hangs_elsewhere_is_not_waited_for_for_ever(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_locks, "LOCK_SECONDS", 0.1)
    folder = data_dir / "database"
    folder.mkdir()
    with (folder / "start.lock").open("ab") as lock:
        assert embedded_locks.lock_alone(lock)
        with pytest.raises(EmbeddedDatabaseError, match="starting or stopping"):
            open_embedded(data_dir)
