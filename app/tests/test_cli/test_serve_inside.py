"""`pastis serve` inside the test's own process, around an API that needs no database."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from types import ModuleType

import pytest
from fastapi import FastAPI
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError
from typer.testing import CliRunner, Result

from app.cli import cli
from app.commands import serve as command
from app.commands.serve import _address, announce_first_account
from app.core import logging


@pytest.fixture(autouse=True)
def _database_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_DATABASE_URL", "mongodb://127.0.0.1:1/")
    # The tests' own logging stays.
    monkeypatch.setattr(logging, "configure", lambda _: None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Services:
    """Stands for the engines of an installation that has its first account."""

    users = sync = property(lambda self: self)
    then_stop = False

    def end_all(self) -> None:
        pass

    async def until_ready(self) -> None:
        pass

    async def any_exists(self) -> bool:
        if self.then_stop:  # asked once requests are served
            asyncio.get_running_loop().call_later(0.5, signal.raise_signal, signal.SIGTERM)
        return True


def serve(
    monkeypatch: pytest.MonkeyPatch, api: FastAPI, *options: str, services: Services | None = None
) -> Result:
    api.state.services = services or Services()
    module = ModuleType("app.main")
    module.create_app = lambda _: api  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.main", module)
    return CliRunner().invoke(cli, ["serve", *options])


@asynccontextmanager
async def told_to_stop(api: FastAPI) -> AsyncIterator[None]:
    api.state.services.then_stop = True
    yield


@asynccontextmanager
async def failing(api: FastAPI) -> AsyncIterator[None]:
    if api.title:
        raise OSError("no")
    yield


def test_it_tells_its_addresses_and_stops_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    port = free_port()
    result = serve(monkeypatch, FastAPI(lifespan=told_to_stop), "--port", str(port))
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "Database: mongodb://127.0.0.1:1/",
        f"API: http://127.0.0.1:{port}",
        f"Documentation: http://127.0.0.1:{port}/docs",
        "Stop with Ctrl-C.",
        "Stopped.",
    ]
    assert signal.getsignal(signal.SIGTERM) is handler


class AwayServices(Services):
    """The database goes away when it is asked for accounts, and comes back unless it is to stay away."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    async def any_exists(self) -> bool:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return True


@pytest.mark.anyio
async def test_the_first_account_waits_for_a_database_that_goes_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "_RETRY_SECONDS", 0)
    services = AwayServices(ServerSelectionTimeoutError("away"), ServerSelectionTimeoutError("away"))
    await announce_first_account(services)  # type: ignore[arg-type]
    assert services.asked == 3


@pytest.mark.anyio
async def test_what_will_not_pass_by_itself_is_logged_and_leaves_the_first_account_out() -> None:
    services = AwayServices(PyMongoError("no"))
    await announce_first_account(services)  # type: ignore[arg-type]
    assert services.asked == 1


def test_it_stops_at_once_while_the_first_account_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Waiting(Services):
        async def until_ready(self) -> None:
            asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGTERM)
            await asyncio.sleep(60)

    begun = monotonic()
    result = serve(monkeypatch, FastAPI(), "--port", str(free_port()), services=Waiting())
    assert result.exit_code == 0, result.output
    assert monotonic() - begun < 2
    assert result.stderr.endswith("Stop with Ctrl-C.\nStopped.\n")
    assert "never retrieved" not in caplog.text


def test_an_api_that_refuses_to_start_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    result = serve(monkeypatch, FastAPI(lifespan=failing), "--port", str(free_port()))
    assert result.exit_code == 1
    assert result.stderr.endswith("Pastis could not start; the log says why.\n")


def test_a_taken_port_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = serve(monkeypatch, FastAPI(), "--port", str(other.getsockname()[1]))
    assert result.exit_code == 1
    assert "is taken: Pastis may already run" in result.stderr


def test_an_address_of_another_machine_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    result = serve(monkeypatch, FastAPI(), "--host", "192.0.2.1", "--port", str(free_port()))
    assert result.exit_code == 1
    assert "Cannot listen on 192.0.2.1" in result.stderr


def test_unsafe_production_settings_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_ENV", "production")
    result = serve(monkeypatch, FastAPI())
    assert result.exit_code == 1
    assert "PASTIS_SECRET is not set" in result.stderr


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8001"),
        ("0.0.0.0", "http://127.0.0.1:8001"),
        ("::", "http://[::1]:8001"),
        ("fe80::1", "http://[fe80::1]:8001"),
        ("tasks.example", "http://tasks.example:8001"),
    ],
)
def test_addresses_can_be_typed_into_a_browser_here(host: str, address: str) -> None:
    assert _address(host, 8001) == address
