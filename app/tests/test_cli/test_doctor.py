"""`pastis doctor` against a real database that is well, is not ready, lacks an index, or is away."""

import asyncio
import gc
import json
import os
import socket
import warnings
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database.engine import Database
from app.models.tasks import Task
from app.tests.support.cli import run
from app.utils.ids import new_id

NAME = "PASTIS_DATABASE_NAME"


def findings() -> dict[str, dict[str, Any]]:
    result = run("doctor", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code == 1) == any(one["health"] == "bad" for one in found), result.output
    return {one["about"]: one for one in found}


@pytest.fixture
def ready(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Callable[[Database], Awaitable[Any]]], None]]:
    """A database that is ready; give it what is to be changed there."""
    name = f"doctor_{new_id()[-12:]}"
    url = os.environ["PASTIS_TEST_DATABASE_URL"]
    monkeypatch.setenv("PASTIS_DATABASE_URL", url)
    monkeypatch.setenv(NAME, name)
    settings = Settings(database_url=SecretStr(url), database_name=name, _env_file=None)

    async def do(work: Callable[[Database], Awaitable[Any]]) -> None:
        database = Database.connect(settings)
        await work(database)
        await database.close()

    def change(work: Callable[[Database], Awaitable[Any]]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            asyncio.run(do(work))
            gc.collect()

    assert run("db", "migrate").exit_code == 0
    yield change
    change(lambda database: database.client.drop_database(name))


def test_an_installation_that_is_well(ready: object) -> None:
    found = findings()
    assert {name for name, one in found.items() if one["health"] == "bad"} == set()
    for about in ("account", "clock", "indexes", "mail", "migrations", "replica set", "settings", "version"):
        assert found[about]["health"] == "good", found[about]
    assert "1 member" in found["replica set"]["text"]


def test_it_reads_well(ready: object) -> None:
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "ok   indexes         all there\n" in result.stdout


def test_nothing_is_made_ready_by_looking(monkeypatch: pytest.MonkeyPatch, ready: object) -> None:
    monkeypatch.setenv(NAME, f"doctor_{new_id()[-12:]}")
    for _ in range(2):
        found = findings()
        assert found["migrations"]["health"] == "warning"
        assert found["indexes"]["health"] == "bad"
        assert "tasks.tasks_by_" in found["indexes"]["text"]
        assert found["indexes"]["advice"].startswith("Run `pastis db migrate`")


def test_an_index_that_somebody_has_dropped(ready: Callable[[Any], None]) -> None:
    name = next(one.document["name"] for one in Task.__indexes__())  # type: ignore[union-attr]
    ready(lambda database: database.collection(Task).drop_index(name))
    assert findings()["indexes"]["text"] == f"tasks.{name}: missing"
    result = run("doctor")
    assert result.exit_code == 1
    assert "Not well: indexes." in result.stderr
    assert run("db", "migrate").exit_code == 0
    assert findings()["indexes"]["health"] == "good"


def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("PASTIS_DATABASE_URL", f"mongodb://127.0.0.1:{port}/")
    monkeypatch.setenv("PASTIS_DATABASE_TIMEOUT_SECONDS", "0.5")
    found = findings()
    assert found["database"]["health"] == "bad"
    assert "indexes" not in found
    assert found["mail"]["health"] == "good"


def test_a_mail_server_that_is_away(monkeypatch: pytest.MonkeyPatch, ready: object) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PASTIS_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("PASTIS_SMTP_PORT", str(free.getsockname()[1]))
        found = findings()["mail"]
    assert (found["health"], found["text"]) == ("bad", "127.0.0.1: SMTPConnectError")


def test_a_folder_that_others_can_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ready: object
) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv("PASTIS_DATA_DIR", str(folder))
    assert findings()["folder"]["health"] == "warning"
    folder.chmod(0o700)
    assert findings()["folder"]["health"] == "good"


def test_what_looks_like_a_setting_and_is_none(monkeypatch: pytest.MonkeyPatch, ready: object) -> None:
    monkeypatch.setenv("PASTIS_DATABSE_URL", "x")
    found = findings()["settings"]
    assert (found["health"], "PASTIS_DATABSE_URL" in found["text"]) == ("warning", True)
