"""A folder for an embedded database, and processes that use it; both are gone after the test."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from app.core.database import embedded

_USER = """
import sys
from pathlib import Path
from app.core.database.embedded import open_embedded
try:
    with open_embedded(Path(sys.argv[1])) as database:
        print(database.url, flush=True)
        sys.stdin.readline()
except KeyboardInterrupt:
    sys.exit(130)
"""


class User:
    """A process that opens the database and keeps it until told to close."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _USER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def url(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def close(self) -> int:
        self.process.communicate("\n", timeout=20)
        return self.process.returncode

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=20)


@contextlib.contextmanager
def connected(url: str) -> Iterator[MongoClient[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=10_000)
    with client:
        yield client


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    folder = tmp_path / "database"
    if folder.exists():
        embedded._stop(folder)
    # Each database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start_user(data_dir: Path) -> Iterator[Callable[[], User]]:
    users: list[User] = []

    def start() -> User:
        users.append(User(data_dir))
        return users[-1]

    yield start
    for user in users:
        with contextlib.suppress(ValueError):  # its pipes are closed: it ended by itself
            user.end()
