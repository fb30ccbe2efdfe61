"""The scripts of deploy/: `make rolling-deploy` in short, and what they say when something is wrong."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.environment import DEPLOY, lacking
from chaos.rolling import Plan, play, summary

needs_tools = pytest.mark.skipif(bool(lacking()), reason=f"not installed: {', '.join(lacking())}")
needs_flock = pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    # The database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An environment in which nothing was deployed yet."""
    lines = ["DEPLOY_BACKEND=processes", "DEPLOY_URL=https://pastis.test"]
    lines += ['DEPLOY_BLUE_PORTS="8101 8102"', "DEPLOY_GREEN_PORTS=8111", f"DEPLOY_HTTPS={'8443'}"]
    (tmp_path / "deploy.env").write_text("\n".join(lines))
    return tmp_path


def run(home: Path, script: str, *arguments: str) -> tuple[int, str]:
    environment = {**os.environ, "DEPLOY_HOME": str(home)}
    done = subprocess.run(
        [DEPLOY / script, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@needs_tools
@pytest.mark.anyio
async def test_releases_follow_each_other_and_nobody_notices(folder: Path) -> None:
    plan = Plan(rounds=1, clients=2, streams=4, processes=1, pause=0.3)
    played = await play(plan, folder)
    assert played.violations == [], summary(plan, played)
    assert played.seen.requests > 20
    assert played.seen.resumed == played.seen.ended == 2 * plan.streams
    assert played.uploads == ["HTTP/1.1 201 Created"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["deploy"], "Usage: deploy/deploy RELEASE, or deploy/deploy --again"),
        (["deploy", "../elsewhere"], "'../elsewhere' is no name of a release"),
        (["deploy", "v1"], "There is no environment in "),
        (["rollback", "v1"], "Usage: deploy/rollback"),
        (["configure", "https://pastis.test"], "is no name of a host"),
    ],
)
def test_bad_commands_are_told_what_is_wrong(tmp_path: Path, command: list[str], said: str) -> None:
    code, told = run(tmp_path, *command)
    assert code == 1
    assert said in told
    assert list(tmp_path.iterdir()) == []


@needs_flock
def test_there_is_nothing_to_go_back_to_at_first(home: Path) -> None:
    assert run(home, "rollback") == (1, "There is no former release to go back to.\n")
    assert run(home, "start") == (1, "Nothing was deployed here yet.\n")


def test_an_environment_remembers_what_was_deployed(home: Path) -> None:
    assert run(home, "deployed", "v1") == (1, "v1 was never deployed here.\n")
    lines = ["serves v1", "serves v2", "serves v1", "left v2"]
    (home / "state" / "history").write_text("".join(f"2026-11-30T14:00:00Z {line}\n" for line in lines))
    assert run(home, "deployed", "v1") == (0, "v1 was deployed here.\n")
    assert run(home, "deployed", "v2") == (1, "v2 was deployed here and rolled back.\n")


def test_the_backend_must_be_one_that_there_is(home: Path) -> None:
    (home / "deploy.env").write_text("DEPLOY_BACKEND=docker\nDEPLOY_URL=https://pastis.test\n")
    code, told = run(home, "deployed", "v1")
    assert (code, told) == (1, "DEPLOY_BACKEND in deploy.env must be processes or compose, not 'docker'.\n")


def test_the_proxy_knows_both_generations_and_nothing_is_left_to_fill_in(home: Path) -> None:
    code, told = run(home, "proxy")
    assert code == 0
    assert "${" not in told
    assert told.count("server 127.0.0.1:81") == 3
    assert f"if (-e {home}/switch/green)" in told


def test_configure_makes_secrets_once_and_shows_none(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, told = run(home, "configure", "pastis.test")
    assert code == 0, told
    settings = (home / ".env").read_text()
    secret = (home / "secrets" / "pastis_secret").read_text()
    assert len(secret) == 64
    assert f"\nPASTIS_SECRET={secret}\n" in settings
    assert "\nPASTIS_PUBLIC_URL=https://pastis.test\n" in settings
    password = (home / "secrets" / "mongo_password").read_text()
    assert f"\nPASTIS_DATABASE_URL=mongodb://pastis:{password}@mongo1:27017," in settings
    assert "DEPLOY_URL=https://pastis.test\n" in (home / "deploy.env").read_text()
    assert (home / ".env").stat().st_mode & 0o077 == 0
    assert (home / "secrets").stat().st_mode & 0o077 == 0
    assert not any(file.read_text() in told for file in (home / "secrets").iterdir())
    assert run(home, "configure", "other.test")[0] == 0
    assert (home / ".env").read_text() == settings


@needs_flock
def test_what_dies_is_started_again_until_it_is_told_to_stop(tmp_path: Path) -> None:
    file, born = tmp_path / "run.pid", tmp_path / "born"
    command = ["bash", "-c", f"echo $$ >>{born}; exec sleep 60"]
    with subprocess.Popen([DEPLOY / "supervise", file, *command], start_new_session=True) as supervisor:
        try:
            first = until_born(born, 1)
            assert int(file.read_text()) == supervisor.pid
            assert subprocess.run(["flock", "--nonblock", file, "true"], check=False).returncode == 1
            os.kill(first, signal.SIGKILL)
            second = until_born(born, 2)
            supervisor.terminate()
            assert supervisor.wait(10) == 0
            assert not Path(f"/proc/{second}").exists()
            assert subprocess.run(["flock", "--nonblock", file, "true"], check=False).returncode == 0
        finally:
            if supervisor.poll() is None:
                os.killpg(supervisor.pid, signal.SIGKILL)


def until_born(file: Path, count: int) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        pids = file.read_text().split() if file.exists() else []
        if len(pids) == count:
            return int(pids[-1])
        time.sleep(0.02)
    raise AssertionError(f"not started {count} times")
