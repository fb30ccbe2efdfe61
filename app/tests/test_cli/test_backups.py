"""Backups by command, and what kills do to them."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymongo.errors import AutoReconnect

from app.core.log import Head
from app.services.backups import queries
from app.tests.support.cli import run
from app.tests.support.programs import PATHS
from app.tests.test_cli.test_data_commands import change, database_name
from app.utils.ids import new_id

__all__ = ["database_name"]  # its fixture is used here too
KEY = "a key of the tests, long enough for anything"


@pytest.fixture
def work() -> None:
    assert run("user", "add", "colin@fluid.example", "--name", "Colin Clark").exit_code == 0
    made = run("demo", "--as", "colin@fluid.example")
    assert made.exit_code == 0, made.output


@pytest.fixture
def another(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an empty database; `named` has the commands use it."""
    name = f"cli_{new_id()[-12:]}"
    yield name
    change(name, lambda database: database.client.drop_database(name))


@contextmanager
def named(name: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PASTIS_DATABASE_NAME", name)
        yield


def killed(step: str, *arguments: str) -> None:
    """Run a command that is killed, as by the system, when it comes to a step."""
    program = (
        "import os, signal, sys\n"
        "from app.services.backups import archive, queries\n"
        "def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
        f"{step} = die\n"
        "from app.cli import cli\n"
        "cli(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", program, *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV_")}
    done = subprocess.run(
        command,
        env={**environment, "PYTHONPATH": PATHS},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.usefixtures("work")
def test_a_backup_is_made_verified_and_restored(
    another: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASTIS_BACKUP_KEY", KEY)
    target = str(tmp_path / "backups")
    first = run("backup", target)
    assert first.exit_code == 0, first.output
    assert "Backup 1 of " in first.stderr
    assert "a full one, as it is the first one: 1 workspace, " in first.stderr
    again = run("backup", target)
    assert "1 workspace, 0 events, " in again.stderr
    assert "full" not in again.stderr
    assert "deleted" not in run("backup", target, "--full", "--keep-days", "30").stderr
    verified = run("verify", target)
    assert verified.exit_code == 0, verified.output
    assert "Backups 1 to 2, as of " in verified.stdout
    assert "all good" in verified.stdout
    assert "backup.create" in run("audit", "export", "--kind", "backup.create").stdout
    full = run("restore", target)
    assert full.exit_code == 1
    assert "is not empty" in full.stderr
    with named(another):
        restored = run("restore", target, "--to-seq", "fluid-demo=5", "--backup", "2")
        assert restored.exit_code == 0, restored.output
        assert ": 5 events, " in restored.stdout
        assert "Restored backup 2, by those from 1 on" in restored.stderr
        assert "all good" in run("verify").stdout
        assert "colin@fluid.example" in run("user", "list").stdout
        assert "backup.restore" in run("audit", "export", "--kind", "backup.restore").stdout


def test_a_damaged_database_is_restored_as_it_was_and_told(another: str, tmp_path: Path) -> None:
    head = {"_id": new_id(), "seq": 1, "writes": 1, "floor": 0, "epoch": new_id()}
    name = os.environ["PASTIS_DATABASE_NAME"]
    change(name, lambda database: database.collection(Head).insert_one(head))
    made = run("backup", str(tmp_path / "backups"))
    assert made.exit_code == 1
    assert "lack 1 event" in made.stderr
    assert "1 number without an event" in run("verify", str(tmp_path / "backups")).stdout
    assert run("verify").exit_code == 1
    with named(another):
        restored = run("restore", str(tmp_path / "backups"))
        assert restored.exit_code == 1
        assert "So it was when it was backed up" in restored.stderr


def test_mistakes_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, words in (
        (("backup", str(tmp_path / "file")), "file"),
        (("restore", str(tmp_path / "none")), "There is no backup."),
        (("verify", str(tmp_path / "none")), "There is no backup."),
        (("restore", str(tmp_path), "--to-seq", "fluid"), "WORKSPACE=NUMBER"),
        (("restore", str(tmp_path), "--to-seq", "a=1", "--at", "2026-11-23"), "not both"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1, result.output
        assert words in result.stderr
        assert "Traceback" not in result.output


def test_a_database_that_goes_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> None:
        raise AutoReconnect("connection closed")

    monkeypatch.setattr(queries, "migrations", gone)
    result = run("backup", str(tmp_path / "backups"))
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "database" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "backups").exists()


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PASTIS_BACKUP_KEY", "short")
        result = run("backup", str(tmp_path / "backups"))
    assert result.exit_code == 1
    assert "PASTIS_BACKUP_KEY: needs at least 32 characters" in result.stderr


@pytest.mark.usefixtures("work")
def test_a_full_disk_leaves_the_former_backup_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "backups"
    assert run("backup", str(target)).exit_code == 0
    former, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, most))
    try:
        result = run("backup", str(target), "--full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (former, most))
    assert result.exit_code == 1
    assert "File too large" in result.stderr
    assert "Traceback" not in result.output
    assert [path.name for path in target.iterdir()] == ["000001"]
    assert "all good" in run("verify", str(target)).stdout


@pytest.mark.usefixtures("work")
def test_kills_harm_nothing(another: str, tmp_path: Path) -> None:
    target = str(tmp_path / "backups")
    assert run("backup", target).exit_code == 0
    killed("archive.Draft.finish", "backup", target)
    assert "Backup 1, " in run("verify", target).stdout
    assert run("backup", target).exit_code == 0
    with named(another):
        killed("queries.set_fields", "restore", target)
        refused = run("user", "list")
        assert refused.exit_code == 1
        assert "run pastis restore again" in refused.stderr
        assert run("restore", target).exit_code == 0
        assert "all good" in run("verify").stdout
