"""Clients that do no more than they must: requests are sent once, and streams go on by Last-Event-ID."""

import asyncio
import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx2
from pastis_client.replica import Frame
from pastis_client.sse import Event, EventParser

from chaos.environment import HOST

_LIMIT_SECONDS = 30.0
_FAREWELLS = frozenset({"server_stopping", "overloaded"})


@dataclass
class Seen:
    """What all of them saw."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    """The tasks whose making was acknowledged."""
    ended: int = 0
    """How often a stream was ended."""
    resumed: int = 0
    """How often one went on exactly where it was."""
    flaws: list[str] = field(default_factory=list)


class Requester:
    """Makes, changes and reads tasks, one request after the other over one connection, and never again."""

    def __init__(self, base: str, token: str, trust: ssl.SSLContext, seen: Seen) -> None:
        self._http = httpx2.AsyncClient(
            base_url=base, headers={"Authorization": f"Bearer {token}"}, verify=trust, timeout=_LIMIT_SECONDS
        )
        self._seen = seen

    async def work_until(self, is_over: Callable[[], bool], pause: float) -> None:
        async with self._http:
            while not is_over():
                made = await self._ask("POST", "/tasks", {"project_id": "FLUID", "title": "Focus is lost"})
                if made is None:
                    continue
                self._seen.created.add(made["id"])
                path = f"/tasks/{made['id']}"
                await self._ask("PATCH", path, {"priority": "high"})
                await self._ask("GET", path)
                await asyncio.sleep(pause)

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, str] | None:
        self._seen.requests += 1
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx2.TransportError as error:
            self._seen.failures.append(f"{method}: {error!r}")
            return None
        if not answer.is_success:
            self._seen.failures.append(f"{method}: {answer.status_code} {answer.text[:200]}")
            return None
        told: dict[str, str] = answer.json()
        return told


class Listener:
    """Follows a workspace: each frame must begin where the one before it ended."""

    def __init__(self, base: str, token: str, trust: ssl.SSLContext, seen: Seen) -> None:
        self._http = httpx2.AsyncClient(
            base_url=base, headers={"Authorization": f"Bearer {token}"}, verify=trust, timeout=_LIMIT_SECONDS
        )
        self._seen = seen
        self._cursor = ""
        self._waiting = False
        """Whether it was ended and has not been told anything since."""
        self.number = 0
        self.created: list[str] = []

    async def begin(self) -> None:
        self._take(Frame.parse((await self._http.get("/sync")).content))

    async def listen(self) -> None:
        """Until it is cancelled."""
        while True:
            parser = EventParser()
            try:
                await self._follow(parser)
            except httpx2.TransportError as error:
                self._seen.flaws.append(f"a stream broke without a word: {error!r}")
            self._seen.ended += 1
            self._waiting = True
            await asyncio.sleep((parser.retry or 1000) / 1000)

    async def close(self) -> None:
        await self._http.aclose()

    async def _follow(self, parser: EventParser) -> None:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._cursor}
        async with self._http.stream("GET", "/sync", headers=headers) as answer:
            if not answer.is_success:
                self._seen.flaws.append(f"a stream was refused: {answer.status_code}")
                return
            async for piece in answer.aiter_raw():
                for event in parser.feed(piece):
                    self._hear(event)

    def _hear(self, event: Event) -> None:
        if event.type == "message":
            frame = Frame.parse(event.data)
            if frame.since != self.number:
                self._seen.flaws.append(f"{frame.since} to {frame.to} after {self.number}")
            elif self._waiting:
                self._seen.resumed += 1
            self._waiting = False
            self._take(frame)
        elif event.type != "end" or json.loads(event.data)["code"] not in _FAREWELLS:
            self._seen.flaws.append(f"{event.type}: {event.data[:200]}")

    def _take(self, frame: Frame) -> None:
        self.number, self._cursor = frame.to, frame.cursor
        made = (op for op in frame.ops if (op["verb"], op["kind"]) == ("create", "task"))
        self.created.extend(op["id"] for op in made)


class SlowUpload:
    """A request whose body takes longer than the generation that was to have it."""

    def __init__(self, port: int, path: str, token: str, trust: ssl.SSLContext) -> None:
        self._port, self._trust = port, trust
        self._body = json.dumps({"project_id": "FLUID", "title": "Slowly"}).encode()
        self._head = (
            f"POST {path}/tasks HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
            f"Authorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self._body)}\r\n\r\n"
        ).encode()

    async def begin(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port, ssl=self._trust)
        self._writer.write(self._head + self._body[:5])
        await self._writer.drain()

    async def finish(self) -> str:
        """Send the rest, and give the first line of the answer."""
        self._writer.write(self._body[5:])
        async with asyncio.timeout(_LIMIT_SECONDS):
            line = await self._reader.readline()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        return line.decode().strip()
