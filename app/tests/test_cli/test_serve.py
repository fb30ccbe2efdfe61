"""`pastis serve` as a process: it starts, answers, and ends with its database."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.database import embedded
from app.core.database.embedded_locks import alive

# The real command around an API that answers with its database's address, and slowly if asked to.
_PASTIS = """
import sys, types, asyncio
from fastapi import FastAPI
from app.cli import main

class Services:
    users = sync = property(lambda self: self)
    def end_all(self):
        pass
    async def until_ready(self):
        pass
    async def any_exists(self):
        return True

def create_app(settings):
    api = FastAPI()
    api.state.services = Services()
    @api.get("/database")
    def database() -> str:
        return settings.database_url.get_secret_value()
    @api.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(60)
    if settings.database_name == "failing":
        async def lifespan(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no"})
        return lifespan
    return api

sys.modules["app.main"] = types.ModuleType("app.main")
sys.modules["app.main"].create_app = create_app
main()
"""

Serve = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(tmp_path: Path, port: int) -> Iterator[Serve]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _PASTIS, "serve", "--port", str(port), *options],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **variables},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=20)
    if (tmp_path / ".pastis" / "database").exists():
        embedded._stop(tmp_path / ".pastis" / "database")


def until_serving(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    told = ""
    for line in process.stderr:
        told += line
        if "Stop with Ctrl-C" in line:
            break
    return told


def get(port: int, path: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response, text


def test_it_serves_with_a_database_of_its_own(serve: Serve, port: int) -> None:
    told = until_serving(serve())
    assert "Database: " in told
    assert f"API: http://127.0.0.1:{port}\nDocumentation: http://127.0.0.1:{port}/docs" in told
    response, text = get(port, "/database")
    assert text.startswith('"mongodb://127.0.0.1:')
    assert response.getheader("server") is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_with_its_database_within_five_seconds(
    serve: Serve, port: int, tmp_path: Path, number: int
) -> None:
    process = serve()
    until_serving(process)
    with socket.create_connection(("127.0.0.1", port)) as busy:
        busy.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        get(port, "/database")
        begun = time.monotonic()
        os.killpg(process.pid, number)
        _, told = process.communicate(timeout=20)
    assert time.monotonic() - begun < 5
    assert process.returncode == 0
    assert told.endswith("Stopped.\n")
    assert not alive(tmp_path / ".pastis" / "database")


def test_a_taken_port_is_named_before_anything_starts(serve: Serve, port: int, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        process = serve()
        _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert told.startswith(f"Port {port} on 127.0.0.1 is taken: Pastis may already run.")
    assert not (tmp_path / ".pastis").exists()


def test_an_api_that_cannot_start_ends_with_its_database(serve: Serve, tmp_path: Path) -> None:
    process = serve(PASTIS_DATABASE_NAME="failing")
    _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "could not start" in told
    assert not alive(tmp_path / ".pastis" / "database")
