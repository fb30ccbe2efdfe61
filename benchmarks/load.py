"""A small HTTP/1.1 load client: so many connections, each sending its next request on the answer."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

Next = Callable[[], bytes]


@dataclass
class Result:
    """Answers of one run. Latencies in seconds."""

    seconds: float
    """Until the last answer came, which may be after the time was up."""
    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    first_failure: str = ""
    began: float = field(default_factory=perf_counter)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class _Connection(asyncio.Protocol):
    def __init__(self, following: Next, result: Result, deadline: float) -> None:
        self._next = following
        self._result = result
        self._deadline = deadline
        self._buffer = b""
        self._needed = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = perf_counter()
        if self._sent >= self._deadline:
            self._transport.close()
            return
        self._transport.write(self._next())

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._needed:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._needed = end + 4 + length(self._buffer[:end])
        if len(self._buffer) < self._needed:
            return
        now = perf_counter()
        self._result.latencies.append(now - self._sent)
        self._result.seconds = max(self._result.seconds, now - self._result.began)
        if self._buffer[9:10] != b"2":
            self._result.failures += 1
            self._result.first_failure = self._result.first_failure or self._buffer[:600].decode()
        self._buffer = b""
        self._needed = 0
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(exc)


def length(head: bytes) -> int:
    """Of the body behind these headers."""
    start = head.lower().find(b"content-length:")
    if start < 0:
        return 0
    end = head.find(b"\r\n", start)
    return int(head[start + 15 : end if end >= 0 else len(head)])


async def run(
    port: int | Sequence[int],
    requests: Next | list[Next],
    *,
    connections: int,
    seconds: float,
    patience: float = 30,
) -> Result:
    """Load a server on this machine, or several by turns.

    `requests` gives each connection its next request's bytes. Whoever is not answered within `patience`
    after the end fails the run: a server that stops answering must not keep it for ever.
    """
    loop = asyncio.get_running_loop()
    sources = requests if isinstance(requests, list) else [requests] * connections
    ports = itertools.cycle([port] if isinstance(port, int) else port)
    result = Result(seconds)
    deadline = result.began + seconds
    opened = [
        (await loop.create_connection(partial(_Connection, source, result, deadline), "127.0.0.1", to))[1]
        for source, to in itertools.islice(zip(itertools.cycle(sources), ports, strict=False), connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(one.done for one in opened)), seconds + patience)
    return result


def request(method: str, path: str, token: str = "", body: bytes = b"", forwarded_for: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if forwarded_for:
        lines.append(f"X-Forwarded-For: {forwarded_for}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
