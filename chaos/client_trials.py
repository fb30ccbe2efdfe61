"""Faults of clients: those who send and those who read as slowly as they can."""

import asyncio
import socket
from contextlib import ExitStack, suppress
from time import monotonic

import psutil

from chaos.process_trials import patient, post_much
from chaos.service import Service
from chaos.stage import stage
from chaos.trial import Trial, Work, process_of

_DRIBBLERS = 250
"""Of heads, and as many of bodies."""
_READERS = 50
"""Of streams, and as many of snapshots."""
_LONG_BODY = b"Content-Type: application/json\r\nContent-Length: 9999"
_PATIENCE_SECONDS = 100.0


async def dribbling(trial: Trial) -> None:
    """A byte a second: the head of a request, or its body."""
    async with (
        stage(trial.folder, trial.chance) as site,
        trial.writes(site.service, site.database.url) as work,
    ):
        with trial.memory_of(site.service), ExitStack() as stack:
            async with trial.fault(work):
                begun = monotonic()
                clients = [_connect(stack, site.service) for _ in range(2 * _DRIBBLERS)]
                for client in clients[_DRIBBLERS:]:
                    client.send(_head(work, "POST", "/tasks", _LONG_BODY))
                while monotonic() < begun + _PATIENCE_SECONDS and (left := _connected(site.service, clients)):
                    _dribble(clients)
                    await asyncio.sleep(1.0)
                trial.see(
                    f"{len(clients) - left} of {len(clients)} dropped within {monotonic() - begun:.0f} s"
                )
                trial.hold(f"{left} dribble still", true=not left)


async def reading_nothing(trial: Trial) -> None:
    """Streams and snapshots that are asked for and never read, while much happens."""
    async with (
        stage(trial.folder, trial.chance) as site,
        trial.writes(site.service, site.database.url) as work,
        patient(work) as http,
    ):
        for _ in range(5):
            await post_much(http)
        with trial.memory_of(site.service), ExitStack() as stack:
            async with trial.fault(work):
                begun = monotonic()
                clients = [_connect(stack, site.service) for _ in range(2 * _READERS)]
                for stream, snapshot in zip(clients[::2], clients[1::2], strict=True):
                    stream.send(_head(work, "GET", "/sync", b"Accept: text/event-stream"))
                    snapshot.send(_head(work, "GET", "/sync/snapshot", b"Accept: */*"))
                while monotonic() < begun + _PATIENCE_SECONDS and (left := _connected(site.service, clients)):
                    await post_much(http)
                    await asyncio.sleep(4.0)
                trial.see(
                    f"{len(clients) - left} of {len(clients)} dropped within {monotonic() - begun:.0f} s"
                )
                trial.hold(f"{left} are held still", true=not left)


def _connect(stack: ExitStack, service: Service) -> socket.socket:
    client = stack.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", service.port))
    client.setblocking(False)
    return client


def _head(work: Work, method: str, path: str, more: bytes) -> bytes:
    target = f"{work.http.base_url.path.rstrip('/')}{path}"
    login = work.http.headers["Authorization"]
    lines = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {login}\r\n"
    return lines.encode() + more + b"\r\n\r\n"


def _dribble(clients: list[socket.socket]) -> None:
    for client in clients:
        with suppress(OSError):
            client.send(b"G")


def _connected(service: Service, clients: list[socket.socket]) -> int:
    """How many of them the API has not let go of."""
    ports = {client.getsockname()[1] for client in clients}
    held = process_of(service).net_connections("tcp4")
    return sum(
        one.raddr != () and one.raddr.port in ports and one.status == psutil.CONN_ESTABLISHED for one in held
    )
