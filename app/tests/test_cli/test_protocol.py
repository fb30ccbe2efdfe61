"""What clients may dribble, leave unread or have us keep has an end; those who are only slow are served."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.commands import protocol
from app.commands.protocol import BoundedProtocol

pytestmark = pytest.mark.anyio
BOUND_SECONDS = 0.4
LARGE = 32 * 1_048_576
POST = b"POST / HTTP/1.1\r\nHost: pastis\r\nContent-Length: %d\r\n\r\n"
GET = b"GET %s HTTP/1.1\r\nHost: pastis\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: pastis\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Api:
    """Reads bodies, answers with as much as is asked for, and keeps sockets open."""

    def __init__(self) -> None:
        self.left = 0
        """Requests whose client went away in the middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            return
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            self.left += 1
            return
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        body = b"x" * LARGE if scope["path"] == "/large" else b"done"
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Served:
    def __init__(self, server: uvicorn.Server, api: Api) -> None:
        self.server = server
        self.api = api

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        port = self.server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def until(holds: Callable[[], bool]) -> None:
    while True:
        if holds():
            return
        await asyncio.sleep(0.01)


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "UNREAD_SECONDS"):
        monkeypatch.setattr(protocol, name, BOUND_SECONDS)
    api = Api()
    config = uvicorn.Config(
        api, port=0, http=BoundedProtocol, ws="websockets-sansio", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    yield Served(server, api)
    server.should_exit = server.force_exit = True
    await serving


async def dribble(writer: StreamWriter, data: bytes) -> None:
    """A byte now and then, as long as somebody takes it."""
    with suppress(OSError):
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(BOUND_SECONDS / 10)


async def is_dropped(reader: StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def test_who_says_nothing_is_dropped(served: Served) -> None:
    async with served.connection() as (reader, _):
        assert await is_dropped(reader)


@pytest.mark.parametrize("before", [b"", GET % b"/"])
async def test_who_dribbles_a_head_is_dropped(served: Served, before: bytes) -> None:
    """On a connection that did better before, too."""
    async with served.connection() as (reader, writer):
        if before:
            writer.write(before)
            assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
        dribbling = asyncio.create_task(dribble(writer, (GET % b"/") * 100))
        assert await is_dropped(reader)
        dribbling.cancel()


async def test_who_dribbles_a_body_is_dropped(served: Served) -> None:
    async with served.connection() as (reader, writer):
        writer.write(POST % 10_000)
        dribbling = asyncio.create_task(dribble(writer, b"x" * 10_000))
        assert await is_dropped(reader)
        dribbling.cancel()
    assert served.api.left == 1


async def test_a_body_may_take_as_long_as_it_likes_that_comes_steadily(served: Served) -> None:
    async with served.connection() as (reader, writer):
        writer.write(POST % 20_000)
        for _ in range(20):
            await asyncio.sleep(BOUND_SECONDS / 8)
            writer.write(b"x" * 1000)
        assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")


async def test_an_endless_head_is_not_kept(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 60.0)
    async with served.connection() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX-Endless: ")
        with suppress(OSError):
            for _ in range(100):
                writer.write(b"x" * 65_536)
                await writer.drain()
        assert await is_dropped(reader)


@pytest.mark.parametrize("path", [b"/large", b"/stream"])
async def test_who_leaves_an_answer_unread_is_dropped(served: Served, path: bytes) -> None:
    async with served.connection() as (reader, writer):
        writer.write(GET % path)
        await reader.read(1)
        await until(lambda: not served.server.server_state.connections)


async def test_who_reads_an_answer_slowly_gets_all_of_it(served: Served) -> None:
    async with served.connection() as (reader, writer):
        writer.write(GET % b"/large")
        await reader.readuntil(b"\r\n\r\n")
        read = 0
        while read < LARGE:
            read += len(await reader.read(2_000_000))
            await asyncio.sleep(BOUND_SECONDS / 20)
        assert read == LARGE


async def test_a_socket_stays_open(served: Served) -> None:
    async with served.connection() as (reader, writer):
        writer.write(UPGRADE)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 4 * BOUND_SECONDS)
