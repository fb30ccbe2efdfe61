"""SecantusDB, where it is installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.database import embedded
from app.core.database.embedded import open_embedded
from app.core.database.embedded_servers import Server, find_servers


def secantus() -> Server | None:
    return next((server for server in find_servers([]) if server.kind == "secantus"), None)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A server of its own, which is gone after the test, however that ends."""
    server = secantus()
    if server is None:
        pytest.skip("SecantusDB is not installed")
    folder = tmp_path / "database"
    try:
        with open_embedded(tmp_path, servers=[server]) as database:
            assert database.kind == "secantus"
            yield database.url
    finally:
        if folder.exists():
            embedded._stop(folder)  # by the process id that it noted
        shutil.rmtree(folder, ignore_errors=True)
