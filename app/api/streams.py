"""Answers that go on: begun by a route, run once the framework has let go of the request."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import problem
from app.core.errors import ErrorCode, PastisError
from app.services.sync import Feed, Frame, Opened, SyncEngine

EVENTS = "text/event-stream"
OPENING = 64
"""Streams that are let in at a time. When all clients come back, they wait for each other, and not for the
connections to the database, which who writes needs too."""
PATIENCE_SECONDS = 20.0
"""How long a stream waits to be let in."""
FAREWELL_SECONDS = 1.0
SLOW_SECONDS = 30.0
"""How long a client may take for a chunk of what it downloads."""
_RETRY_MS = (500, 3000)
"""Within which a client comes back; each is told another time, so that not all come at once."""


_KEPT = ("type", "method", "app")
"""What the layers around a stream ask its scope for."""


class Stream(Protocol):
    async def run(self, receive: Receive, send: Send) -> None: ...


class StreamLayer:
    """The outermost layer.

    What the framework holds for a request, it would hold for hours: a stream runs when all of that is gone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._opening = asyncio.Semaphore(OPENING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        if is_for_stream(scope):
            await self._open(scope, receive, send)
        else:
            await self._app(scope, receive, send)
        stream: Stream | None = state.pop("stream", None)
        if stream is None:
            return
        if scope["type"] == "http":
            _empty(scope)
        if scope.get("method") == "HEAD":
            await send(_part(b"", more=False))
        else:
            await stream.run(receive, send)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._opening.acquire()
        except TimeoutError:
            await problem(scope, PastisError(ErrorCode.OVERLOADED))(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._opening.release()


class Handover(Response):
    """Begins the answer, and leaves the rest of it to the layer."""

    def __init__(self, stream: Stream, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(media_type=media_type, headers=headers)
        del self.headers["content-length"]
        self._stream = stream

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        scope["state"]["stream"] = self._stream


class Connection(ABC):
    """A client that is told, until it leaves or there is a reason for no more.

    Its one task only waits for what the client says: the feed sends by itself. There are thousands, so each
    holds as little as it can.
    """

    __slots__ = ("_opened", "_reason", "_sync", "_task")

    def __init__(self, sync: SyncEngine, opened: Opened | PastisError) -> None:
        """A refusal in the place of what was opened is told, and is all."""
        self._sync = sync
        self._opened: Opened | None = None if isinstance(opened, PastisError) else opened
        self._reason = opened if isinstance(opened, PastisError) else None
        self._task: asyncio.Task[None] | None = None

    async def run(self, receive: Receive, send: Send) -> None:
        """As an ASGI application, once the answer has begun."""
        opened, self._opened, self._task = self._opened, None, asyncio.current_task()
        feed: Feed | None = None
        try:
            if opened is not None:
                feed = await self._begin(opened, send)
                del opened
                await self._listen(feed, receive, send)
        except PastisError as error:
            self._reason = error
        except asyncio.CancelledError:
            if self._task is not None or feed is None:
                raise
            if self._reason is None:
                await abort(send)
        finally:
            self._task = None
            if feed is not None:
                feed.end()
        if self._reason is not None:
            await self._part_with(send, self._reason)

    @abstractmethod
    async def _begin(self, opened: Opened, send: Send) -> Feed:
        """Say what is to be said first, and join."""

    @abstractmethod
    async def _listen(self, feed: Feed, receive: Receive, send: Send) -> None:
        """Until the client has left."""

    @abstractmethod
    async def _part_with(self, send: Send, reason: PastisError) -> None:
        """Say why there is no more."""

    def _end(self, reason: PastisError | None) -> None:
        """Wake the task, with the reason, or none for a client too slow."""
        task, self._task = self._task, None
        if task is not None:
            self._reason = reason
            task.cancel()


class EventStream(Connection):
    """Server-sent events (WHATWG HTML, 9.2): a frame is a message, and its cursor the message's id."""

    __slots__ = ("_describe",)

    def __init__(
        self, sync: SyncEngine, opened: Opened | PastisError, describe: Callable[[PastisError], bytes]
    ) -> None:
        """`describe` gives the problem of a refusal."""
        super().__init__(sync, opened)
        self._describe = describe

    async def _begin(self, opened: Opened, send: Send) -> Feed:
        async def tell(frame: Frame) -> None:
            await send(_part(frame.sent_event))

        await send(_part(_retry() + opened.frame.sent_event))
        return self._sync.join(opened, tell, self._end)

    async def _listen(self, _feed: Feed, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _part_with(self, send: Send, reason: PastisError) -> None:
        kind = b"reset" if reason.code is ErrorCode.SYNC_RESET else b"end"
        farewell = b"%bevent: %b\ndata: %b\n\n" % (_retry(), kind, self._describe(reason))
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await send(_part(farewell, more=False))
        except (OSError, TimeoutError):
            await abort(send)


async def or_reset(opening: Awaitable[Opened]) -> Opened | PastisError:
    """A reset is told inside: browsers show their pages no answer but this one."""
    try:
        return await opening
    except PastisError as error:
        if error.code is not ErrorCode.SYNC_RESET:
            raise
        return error


def streamed(sync: SyncEngine, request: Request, opened: Opened | PastisError) -> Response:
    """Server-sent events that begin with what was opened, and go on."""
    stream = EventStream(sync, opened, _describing(request))
    return Handover(stream, EVENTS, {"x-accel-buffering": "no"})


def _describing(request: Request) -> Callable[[PastisError], bytes]:
    """Problem documents for a request, of which nothing else is held as long as a stream lasts."""
    language = tuple(header for header in request.scope["headers"] if header[0] == b"accept-language")
    request_id = request.state.request_id

    def describe(error: PastisError) -> bytes:
        scope: Scope = {"type": "http", "headers": language, "state": {"request_id": request_id}}
        return bytes(problem(scope, error).body)

    return describe


class Download:
    """A body in chunks; cut off where its end never comes, or the client takes nothing for long."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def run(self, _receive: Receive, send: Send) -> None:
        try:
            async for chunk in self._chunks:
                async with asyncio.timeout(SLOW_SECONDS):
                    await send(_part(chunk))
        except TimeoutError:
            await abort(send)
        else:
            await send(_part(b"", more=False))


def is_for_stream(scope: Scope) -> bool:
    """Whether a request, of any path, asks for server-sent events, and for nothing else."""
    return scope["type"] == "http" and (b"accept", EVENTS.encode()) in scope["headers"]


def _empty(scope: Scope) -> None:
    """Let go of what the framework keeps there, and of who asked: the server holds the scope to the end."""
    kept = {name: scope[name] for name in _KEPT if name in scope}
    scope["state"].clear()
    scope.clear()
    scope.update(kept, headers=[], state={})


def _part(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _retry() -> bytes:
    return b"retry: %d\n\n" % random.randint(*_RETRY_MS)  # noqa: S311 - only spreads the attempts


async def abort(send: Send) -> None:
    """Let go of a client that takes nothing: the server waits for it, and ASGI has no word for that."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0)
