"""Follows a workspace: a snapshot once, then frames for ever, over as many connections as it takes."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Protocol

import httpx2

from pastis_client.api import Api
from pastis_client.backoff import Backoff
from pastis_client.errors import ProblemError, ProtocolError, UnreachableError, problem
from pastis_client.replica import ForeignEpochError, Frame, Replica, Snapshot
from pastis_client.sse import Event, EventParser

SILENCE_SECONDS = 40.0
"""A connection that is silent for so long is dead."""
_NO_CURSOR = (HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY)


class ResetError(ProtocolError):
    """The cursor is of no use: begin with a snapshot."""


class Sink(Protocol):
    """Who holds the replica."""

    @property
    def cursor(self) -> str | None:
        """How far it has come; None before the first snapshot."""

    def replace(self, replica: Replica) -> None:
        """A snapshot has come."""

    def apply(self, frame: Frame) -> None:
        """Raises MissedError, ForeignEpochError and ProtocolError."""

    def online(self, *, connected: bool) -> None:
        """Whether frames come."""


class Follower:
    """Comes again after everything that may pass, waiting longer each time, with chance in it."""

    def __init__(self, api: Api, path: str, params: dict[str, Any], sink: Sink) -> None:
        self._api = api
        self._path = f"{path}/sync"
        self._params = params
        self._sink = sink
        self._backoff = Backoff()
        self._pause = 0.0
        """Seconds that the server wants to be left alone, beside our own pause."""
        self._from_scratch = False

    async def run(self) -> None:
        """Raises what does not pass: ProblemError (no member any more), LoginEndedError."""
        while True:
            try:
                await self._attempt()
            except (ResetError, ForeignEpochError):
                self._from_scratch = True
            except (httpx2.RequestError, ProtocolError, UnreachableError):
                pass
            except ProblemError as refusal:
                if refusal.status < HTTPStatus.INTERNAL_SERVER_ERROR and not refusal.transient:
                    raise
                self._pause = max(self._pause, refusal.retry_after or 0.0)
            finally:
                self._sink.online(connected=False)
            await asyncio.sleep(self._pause + self._backoff.next())

    async def _attempt(self) -> None:
        """One connection, to its end."""
        self._pause = 0.0
        if self._from_scratch or self._sink.cursor is None:
            self._sink.replace(await self._snapshot())
            self._from_scratch = False
        params = {**self._params, "since": self._sink.cursor}
        try:
            async with self._api.stream(self._path, params, "text/event-stream", SILENCE_SECONDS) as answer:
                await self._read(answer)
        except ProblemError as refusal:
            if refusal.status in _NO_CURSOR:
                raise ResetError(str(refusal)) from refusal
            raise

    async def _read(self, answer: httpx2.Response) -> None:
        self._sink.online(connected=True)
        parser = EventParser()
        async for piece in answer.aiter_bytes():
            events = parser.feed(piece)
            self._pause = (parser.retry or 0) / 1000
            for event in events:
                self._take(event)

    async def _snapshot(self) -> Replica:
        snapshot = Snapshot()
        path = f"{self._path}/snapshot"
        async with self._api.stream(path, self._params, "application/x-ndjson", SILENCE_SECONDS) as answer:
            async for line in _lines(answer):
                snapshot.add(line)
        return snapshot.finish()

    def _take(self, event: Event) -> None:
        match event.type:
            case "message":
                self._sink.apply(Frame.parse(event.data))
                self._backoff.reset()
            case "reset":
                raise ResetError(event.data)
            case "end":
                raise _end(event.data)


def _end(data: str) -> Exception:
    """Why a stream has ended: a refusal, or what another connection may put right."""
    try:
        told = problem({"status": HTTPStatus.SERVICE_UNAVAILABLE, **json.loads(data)})
    except (KeyError, TypeError, ValueError):
        return ProtocolError(f"no problem: {data[:200]!r}")
    # With the same token it is refused, renewed on the way, or the login has ended.
    return ProtocolError(str(told)) if told.code == "invalid_token" else told


async def _lines(answer: httpx2.Response) -> AsyncIterator[bytes]:
    """Lines of JSON: cut at line feeds alone, as texts may hold the other ends of lines."""
    open_: list[bytes] = []
    async for piece in answer.aiter_bytes():
        first, *rest = piece.split(b"\n")
        open_.append(first)
        if rest:
            yield b"".join(open_)
            for line in rest[:-1]:
                yield line
            open_ = [rest[-1]]
    if any(open_):
        yield b"".join(open_)
