"""`pastis serve` outlives its embedded database, and brings it back."""

import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import httpx2
import pytest

from app.core.database.embedded_locks import alive
from chaos.service import Service

pytestmark = pytest.mark.anyio

RECOVERY_SECONDS = 30.0
PATIENCE_SECONDS = 30.0
"""With the database, of a process that must not need a third of it to say so, or to end."""
MakeService = Callable[[], Service]


@pytest.fixture
async def service_here(tmp_path: Path) -> AsyncIterator[MakeService]:
    """Make services of one data folder, each with a port of its own."""
    services: list[Service] = []

    def make() -> Service:
        services.append(Service(tmp_path, 0.5))
        return services[-1]

    yield make
    for service in services:
        service.kill()  # all, before one brings back what another has ended
    for service in services:
        await service.end()
    # Each database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(tmp_path)


def server_lives(service: Service) -> bool:
    return alive(service.data_dir / "database")


def logged(service: Service) -> list[dict[str, Any]]:
    lines = (service.data_dir / "logs" / "pastis.log").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["logger"].endswith("embedded_keeper")]


async def until(check: Callable[[], bool], seconds: float = RECOVERY_SECONDS) -> None:
    deadline = monotonic() + seconds
    while not check():
        assert monotonic() < deadline
        await anyio.sleep(0.02)


async def login(service: Service, email: str, password: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=service.url, timeout=10) as http:
        return await http.post("/api/v1/auth/login", json={"email": email, "password": password})


async def stops_in_time(service: Service, within: float = 5.0) -> None:
    begun = monotonic()
    await service.stop()
    assert monotonic() - begun < within
    assert service._api is not None
    assert service._api.returncode == 0


async def test_a_killed_database_comes_back_with_its_data(service_here: MakeService) -> None:
    service = service_here()
    await service.start()
    account = await service.add_account()
    assert (await login(service, *account)).status_code == 200
    api = service.pid

    async with service.database_away(), httpx2.AsyncClient(base_url=service.url, timeout=10) as http:
        for answer in (await http.get("/health/ready"), await login(service, *account)):
            assert answer.status_code == 503
            assert answer.json()["code"] == "database_unavailable"
        assert (await http.get("/health/live")).status_code == 200

    await service.until_ready()
    assert (await login(service, *account)).status_code == 200
    assert (service.pid, service.lives()) == (api, True)
    await until(lambda: len(logged(service)) > 1)
    died, back = logged(service)
    assert (died["event"], died["level"]) == ("the embedded database died", "error")
    assert (back["event"], back["level"]) == ("the embedded database is back", "warning")
    assert ", started on 127.0.0.1:" in back["detail"]
    await stops_in_time(service)
    assert not server_lives(service)


async def test_it_stops_in_time_while_the_database_is_away(service_here: MakeService) -> None:
    service = service_here()
    service._timeout = PATIENCE_SECONDS
    await service.start()
    account = await service.add_account()
    assert (await login(service, *account)).status_code == 200  # leaves sessions to say good-bye to
    async with service.database_away():
        begun = monotonic()
        async with httpx2.AsyncClient(base_url=service.url, timeout=10) as http:
            assert (await http.get("/health/ready")).status_code == 503
        assert monotonic() - begun < PATIENCE_SECONDS / 3
        await stops_in_time(service, within=PATIENCE_SECONDS / 3)
    assert "Traceback" not in service.said.read_text()
    assert "never retrieved" not in service.said.read_text()


async def test_a_frozen_database_is_stopped_in_time(service_here: MakeService) -> None:
    service = service_here()
    service._timeout = PATIENCE_SECONDS
    await service.start()
    account = await service.add_account()
    os.kill(service.server_pid(), signal.SIGSTOP)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_unanswered, service, account)
        await anyio.sleep(0.3)
        await stops_in_time(service, within=PATIENCE_SECONDS / 3)
    assert not server_lives(service)


async def _unanswered(service: Service, account: tuple[str, str]) -> None:
    with suppress(httpx2.TransportError):
        assert (await login(service, *account)).status_code >= 500


async def test_one_of_several_processes_brings_it_back(service_here: MakeService) -> None:
    first, attached = service_here(), service_here()
    await first.start()
    await attached.start()
    assert "already running on" in first.said.read_text()

    killed = first.server_pid()
    await first.kill_database()
    for service in (first, attached):
        await service.until_ready()
    number = first.server_pid()
    assert number != killed
    await anyio.sleep(2)  # long enough for both to have looked once more
    assert first.server_pid() == number
    # Who looked only when it was back saw nothing; who looked before joined it.
    backs = [line["detail"] for line in logged(first) if line["event"].endswith("is back")]
    assert len([line for line in backs if ", started on" in line]) == 1

    await stops_in_time(first)
    await first.kill_database()
    await until(lambda: server_lives(attached))
    await attached.until_ready()
    await stops_in_time(attached)
    assert not server_lives(attached)


async def test_ctrl_c_ends_both_in_the_middle_of_a_restart(service_here: MakeService) -> None:
    service = service_here()
    await service.start()
    await service.kill_database()
    await until(lambda: server_lives(service))
    await stops_in_time(service)
    assert not server_lives(service)


async def test_ctrl_c_ends_a_restart_that_waits_for_another_process(service_here: MakeService) -> None:
    service = service_here()
    await service.start()
    async with service.database_away():
        await until(lambda: bool(logged(service)))
        await anyio.sleep(1)  # by now it waits for the lock
        await stops_in_time(service)
    assert not server_lives(service)
