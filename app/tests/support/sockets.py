"""A client of a workspace's socket, inside this process."""

import asyncio
import json
from typing import Any, Self

from fastapi import FastAPI
from pastis_client.replica import Frame, Replica

from app.core.documents import Doc
from app.tests.support.clients import Client
from app.tests.support.streams import SOON_SECONDS
from app.utils.ids import new_id


class SocketClient:
    """A socket inside this process, without a server in between."""

    def __init__(self, app: FastAPI, client: Client, replica: Replica | None = None, **params: Any) -> None:
        if replica is not None:
            params["since"] = replica.cursor
        headers = {} if client.token is None else {"Authorization": f"Bearer {client.token}"}
        path = client.base + "/sync/ws"
        request = client.http.build_request("GET", path, params=params, headers=headers)
        self._scope: Doc = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 50_000),
            "server": ("pastis.test", 80),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
            "state": {},
        }
        self._app = app
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self._heard: asyncio.Queue[Any] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.replica = replica
        self.people: dict[str, Doc] = {}
        """Who is here, by connection."""
        self.connection_id = ""
        self.hold: asyncio.Event | None = None
        """While it is there and not set, the client takes nothing."""

    async def __aenter__(self) -> Self:
        self._said.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        assert self._task is not None
        await asyncio.wait_for(self._task, SOON_SECONDS)

    async def _run(self) -> None:
        await self._app(self._scope, self._said.get, self._hear)

    async def _hear(self, message: Any) -> None:
        if self.hold is not None:
            await self.hold.wait()
        await self._heard.put(message)

    async def event(self) -> Any:
        return await asyncio.wait_for(self._heard.get(), SOON_SECONDS)

    async def message(self) -> Any:
        """The next message."""
        event = await self.event()
        if event["type"] == "websocket.accept":
            event = await self.event()
        assert event["type"] == "websocket.send", event
        return self._heed(json.loads(event["text"]))

    def _heed(self, said: Any) -> Any:
        if said["type"] == "welcome":
            self.connection_id = said["connection_id"]
        if said["type"] == "presence":
            self.people |= {one["connection_id"]: one for one in said["here"]}
            for id_ in said["gone"]:
                del self.people[id_]
        return said

    async def until(self, *members: str, **where: Any) -> None:
        """Until just these are here; or, of one, until it is there."""
        while True:
            here = sorted(one["membership_id"] for one in self.people.values())
            placed = [one for one in self.people.values() if where.items() <= one.items()]
            if here == sorted(members) and (not where or placed):
                return
            await self.message()

    async def frame(self) -> Frame:
        while (said := await self.message())["type"] != "frame":
            pass
        frame = Frame.parse(json.dumps(said))
        if self.replica is not None:
            self.replica.apply(frame)
        return frame

    async def told(self, seq: int) -> Replica:
        assert self.replica is not None
        while self.replica.number < seq:
            await self.frame()
        return self.replica

    def say(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        self._said.put_nowait({"type": "websocket.receive", "text": text})

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Run a command; its answer."""
        id_ = more.pop("id", new_id())
        self.say({"type": "command", "id": id_, "method": method, "path": path, "body": body, **more})
        while (said := await self.message())["type"] != "answer":
            if said["type"] == "frame" and self.replica is not None:
                self.replica.apply(Frame.parse(json.dumps(said)))
        assert said["id"] == id_
        return said

    async def refusal(self) -> Any:
        """The problem that it was not opened for."""
        start = await self.event()
        assert start["type"] == "websocket.http.response.start", start
        body = b""
        while True:
            part = await self.event()
            body += part["body"]
            if not part.get("more_body"):
                problem = json.loads(body)
                assert problem["status"] == start["status"]
                return problem
