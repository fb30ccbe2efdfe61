"""What checks are made with: a server under test, seen by one who looks at every byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2

from pastis_client import commands as do
from pastis_client.calls import Answer, Calls
from pastis_client.commands import Command
from pastis_client.documents import Project, Task
from pastis_client.errors import ProtocolError
from pastis_client.replica import Frame, Replica, Snapshot
from pastis_client.sse import Event, EventParser

T = TypeVar("T")
SOON_SECONDS = 5.0
"""What comes live comes sooner, also from a busy server."""
EVENTS = "text/event-stream"


class FailedError(Exception):
    """The server does not do what the protocol promises."""


class SkippedError(Exception):
    """It cannot be checked here, for this reason."""


def expect(came: Any, wanted: Any, what: str) -> None:
    if came != wanted:
        raise FailedError(f"{what}: expected {_short(wanted)}, came {_short(came)}")


def expect_that(holds: bool, wanted: str, came: Any) -> None:
    if not holds:
        raise FailedError(f"expected {wanted}, came {_short(came)}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    return text if len(text) <= 200 else f"{text[:200]}..."


def problem_code(answer: httpx2.Response) -> tuple[int, Any]:
    """The status, and the code of the problem."""
    try:
        return answer.status_code, answer.json().get("code")
    except (AttributeError, ValueError):
        return answer.status_code, None


class Stream:
    """Events as they come, and the replica that takes them."""

    def __init__(self, replica: Replica | None) -> None:
        self.replica = replica
        self.frames: list[Frame] = []
        self.parser = EventParser()
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()

    async def read(self, answer: httpx2.Response) -> None:
        try:
            async for piece in answer.aiter_bytes():
                for event in self.parser.feed(piece):
                    self.events.put_nowait(event)
        finally:
            self.events.put_nowait(None)

    async def event(self, seconds: float = SOON_SECONDS) -> Event:
        try:
            async with asyncio.timeout(seconds):
                event = await self.events.get()
        except TimeoutError:
            raise FailedError(
                f"expected something in the stream within {seconds:g} s, came nothing"
            ) from None
        if event is None:
            raise FailedError("expected the stream to go on, it ended")
        return event

    async def frame(self, seconds: float = SOON_SECONDS) -> Frame:
        """The next one, which must begin where the last one ended."""
        event = await self.event(seconds)
        expect(event.type, "message", f"type of an event ({event.data[:100]})")
        frame = Frame.parse(event.data)
        expect(event.id, frame.cursor, "id of the message, which is the frame's cursor")
        if self.replica is not None:
            follow(self.replica, frame)
        self.frames.append(frame)
        return frame

    async def until(self, number: int) -> None:
        """Take frames until the replica has an event."""
        if self.replica is None:
            raise FailedError("there is no replica")
        async with asyncio.timeout(4 * SOON_SECONDS):
            while self.replica.number < number:
                await self.frame()


def follow(replica: Replica, frame: Frame) -> None:
    """Take a frame; it must begin where the replica is."""
    expect(frame.epoch, replica.epoch, "epoch of a frame")
    expect(frame.since, replica.number, "`from` of a frame, where the client is")
    replica.apply(frame)


@dataclass
class Viewer:
    """Somebody, and what the server shows to them."""

    http: httpx2.AsyncClient
    bearer: Callable[[], Awaitable[str]]
    path: str

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {await self.bearer()}", **options.pop("headers", {})}
        return await self.http.request(method, self.path + path, headers=headers, **options)

    async def sync(self, headers: dict[str, str] | None = None, **params: Any) -> httpx2.Response:
        return await self.ask("GET", "/sync", params=params, headers=headers or {})

    async def page(self, cursor: str, **params: Any) -> Frame:
        answer = await self.sync(since=cursor, **params)
        expect(problem_code(answer), (200, None), "the frame since a cursor")
        return Frame.parse(answer.content)

    async def lines(self, **params: Any) -> list[Any]:
        answer = await self.ask("GET", "/sync/snapshot", params=params)
        expect(problem_code(answer), (200, None), "the snapshot")
        return [json.loads(line) for line in answer.content.split(b"\n") if line]

    async def snapshot(self, **params: Any) -> Replica:
        """Whole, and of now."""
        snapshot = Snapshot()
        for line in await self.lines(**params):
            snapshot.add(json.dumps(line))
        replica = snapshot.finish()
        follow(replica, await self.page(replica.cursor, **params))
        return replica

    @asynccontextmanager
    async def stream(
        self, replica: Replica | None, headers: dict[str, str] | None = None, **params: Any
    ) -> AsyncIterator[Stream]:
        asked = params if replica is None else {"since": replica.cursor, **params}
        sent = {"Authorization": f"Bearer {await self.bearer()}", "Accept": EVENTS, **(headers or {})}
        stream = Stream(replica)
        async with self.http.stream(
            "GET", f"{self.path}/sync", params=asked, headers=sent, timeout=60
        ) as answer:
            expect(answer.status_code, 200, "status of the stream")
            expect(answer.headers.get("content-type", "").partition(";")[0], EVENTS, "type of the stream")
            reading = asyncio.create_task(stream.read(answer))
            try:
                yield stream
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)


@dataclass
class Place:
    """A project of the kit's own, whoever made it, and whoever else there is."""

    url: str
    calls: Calls
    me: Viewer
    project: Project
    cleaning: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)

    @property
    def mine(self) -> dict[str, Any]:
        """What keeps others out of what is looked at."""
        return {"project": self.project["id"]}

    async def send(self, command: Command[T]) -> Answer[T]:
        answer = await self.calls.answer(command)
        expect_that(answer.number > 0, f"Pastis-Event in the answer to {command.path}", answer.number)
        return answer

    async def task(self, title: str = "Checked") -> Answer[Task]:
        return await self.send(do.create_task(self.project["id"], title))

    async def replica(self) -> Replica:
        return await self.me.snapshot(**self.mine)


def parsed(text: str) -> Frame:
    try:
        return Frame.parse(text)
    except ProtocolError as error:
        raise FailedError(str(error)) from error
