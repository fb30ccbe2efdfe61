"""Clients that follow a workspace: what they hold, and the stream that they are told through."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

from fastapi import FastAPI
from pastis_client.replica import Frame, Replica, Snapshot
from pastis_client.sse import Event, EventParser

from app.core.documents import Doc
from app.services.bootstrap import Services
from app.services.sync import Compaction
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.factories import Workspace
from app.tests.support.replay import head

SOON_SECONDS = 5.0


async def fetched(client: Client, **params: Any) -> Replica:
    """A new replica, of now: the snapshot may be a little older."""
    replica = await snapshot_of(client, **params)
    replica.apply(await page(client, replica, **params))
    return replica


async def snapshot_of(client: Client, **params: Any) -> Replica:
    answer = await client.get("/sync/snapshot", params=params)
    assert answer.status_code == 200, answer.text
    snapshot = Snapshot()
    for line in answer.text.splitlines():
        snapshot.add(line)
    return snapshot.finish()


async def page(client: Client, replica: Replica, **params: Any) -> Frame:
    """What came since; the replica does not take it."""
    answer = await client.get("/sync", params={"since": replica.cursor, **params})
    ok(answer)
    return Frame.parse(answer.content)


def copy_of(replica: Replica) -> Replica:
    return Replica.from_json(json.loads(json.dumps(replica.to_json())))


def text_of(replica: Replica) -> str:
    """All that a replica holds, in one order: two that hold the same have the same bytes."""
    docs = {kind: held for kind, held in replica.docs.items() if held}
    return json.dumps(docs, sort_keys=True, indent=1)


class Stream:
    """A connection to the stream inside this process, without a server in between."""

    def __init__(self, app: FastAPI, client: Client, replica: Replica | None, params: Doc) -> None:
        query = dict(params)
        if replica is not None:
            query["since"] = replica.cursor
        self._request = client.http.build_request(
            "GET",
            client.base + "/sync",
            params=query,
            headers={"Authorization": f"Bearer {client.token}", "Accept": "text/event-stream"},
        )
        self._app = app
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._parser = EventParser()
        self._left = asyncio.Event()
        self._begun = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.replica = replica
        self.hold: asyncio.Event | None = None
        """While it is set, the client takes nothing."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        await asyncio.wait_for(self._begun.wait(), SOON_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()
        assert self._task is not None
        await asyncio.wait_for(self._task, SOON_SECONDS)

    def leave(self) -> None:
        self._left.set()

    async def _run(self) -> None:
        url = self._request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in self._request.headers.raw],
            "client": ("127.0.0.1", 50_000),
            "server": ("pastis.test", 80),
            "state": {},
        }
        asked = False

        async def receive() -> Doc:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._left.wait()
            return {"type": "http.disconnect"}

        try:
            await self._app(scope, receive, self._take)
        finally:
            self._events.put_nowait(None)
            self._begun.set()

    async def _take(self, message: Any) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        self.body += message.get("body", b"")
        for event in self._parser.feed(message.get("body", b"")):
            self._events.put_nowait(event)
        self._begun.set()

    async def event(self) -> Event | None:
        """The next one; None at the end."""
        return await asyncio.wait_for(self._events.get(), SOON_SECONDS)

    async def frame(self) -> Frame:
        """The next one, which the replica takes."""
        event = await self.event()
        assert event is not None, "the stream has ended"
        assert event.type == "message", event.data
        frame = Frame.parse(event.data)
        assert event.id == frame.cursor
        if self.replica is not None:
            assert (frame.epoch, frame.since) == (self.replica.epoch, self.replica.number)
            self.replica.apply(frame)
        return frame

    async def told(self, seq: int) -> Replica:
        """The replica, once it has come to a number."""
        assert self.replica is not None
        while self.replica.number < seq:
            await self.frame()
        return self.replica

    async def taken(self) -> Replica:
        """The replica, with all frames that have come."""
        assert self.replica is not None
        while not self._events.empty():
            await self.frame()
        return self.replica

    async def ended(self) -> tuple[str, Doc]:
        """How it ends: the type of the last event, and the problem in it."""
        while True:
            event = await self.event()
            assert event is not None, "the stream ended without a reason"
            if event.type != "message":
                assert await self.event() is None
                return event.type, json.loads(event.data)


@asynccontextmanager
async def following(app: FastAPI, *clients: Client, **params: Any) -> AsyncIterator[list[Stream]]:
    """Each with a replica of now, and connected."""
    async with AsyncExitStack() as stack:
        streams = []
        for client in clients:
            stream = Stream(app, client, await fetched(client, **params), params)
            streams.append(await stack.enter_async_context(stream))
            await stream.frame()  # that nothing came between
        yield streams


async def shorten(services: Services, workspace: Workspace, until: int | None = None) -> int:
    """Delete the log up to a number, or all of it; gives how many events that were."""
    to = await head(services.database, workspace.id) if until is None else until
    return await Compaction(services.database).compact(workspace.id, to)


def answered(answer: Answer) -> int:
    """The number of the event that a request left."""
    ok(answer)
    return int(answer.headers["pastis-event"])
