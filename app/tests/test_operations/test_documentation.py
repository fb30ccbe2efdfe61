"""What the documentation says is so: its commands run, its links lead somewhere, its tables are complete."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from app.tests.support.documentation import ROOT, Reader, examples, name_of, pages
from app.utils.ids import new_id

README = ROOT / "README.md"
EXECUTED = [page for page in pages() if examples(page)]


def program(path: Path, *command: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nexec " + " ".join(f"'{part}'" for part in command) + ' "$@"\n')
    path.chmod(0o755)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def reader(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """A newcomer with a clone of their own: Pastis is in .venv/bin, and has a database of its own."""
    url = os.environ["PASTIS_TEST_DATABASE_URL"]
    name = f"docs_{new_id()[-12:]}"
    program(tmp_path / ".venv" / "bin" / "pastis", sys.executable, "-m", "app.cli")
    programs = tmp_path / "programs"
    program(programs / "python3", sys.executable)
    if getattr(request, "param", None) == "stand-in" or shutil.which("curl") is None:
        program(programs / "curl", sys.executable, str(ROOT / "app" / "tests" / "support" / "curl.py"))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("PASTIS_", "COV_"))},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PASTIS_DATABASE_URL": url,
        "PASTIS_DATABASE_NAME": name,
        "PASTIS_DATA_DIR": str(tmp_path / ".pastis"),
    }
    try:
        # Indexes take their time on a busy machine, and the first account is only told where they are quick.
        migrate = [sys.executable, "-m", "app.cli", "db", "migrate"]
        subprocess.run(migrate, cwd=tmp_path, env=environment, capture_output=True, check=True)
        with Reader(tmp_path, environment, free_port()) as found:
            yield found
    finally:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url)
        with client:
            client.drop_database(name)


@pytest.mark.parametrize("reader", ["curl", "stand-in"], indirect=True)
def test_the_tour_is_as_it_says(reader: Reader) -> None:
    reader.follow(README)


@pytest.mark.parametrize("page", [page for page in EXECUTED if page != README], ids=name_of)
def test_the_examples_of_a_page_are_as_it_says(reader: Reader, page: Path) -> None:
    """They go on from the tour, as each page says."""
    reader.follow(README)
    reader.follow(page)
