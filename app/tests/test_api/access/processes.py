"""Two processes of the application on one database, in an event loop that runs only while they are asked."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx2
import uvloop
from fastapi import FastAPI

from app.core.clock import Clock, system_now
from app.core.config import Settings
from app.core.database.doorbell import Ring
from app.core.database.engine import Database
from app.main import create_app
from app.models.sessions import Session
from app.services.bootstrap import Services
from app.tests.support.clients import Answer
from app.utils.ids import new_id

T = TypeVar("T")
PATIENCE_SECONDS = 10


class StillClock(Clock):
    """Time goes on only when it is told to, so that what ends when can be said to the millisecond."""

    def __init__(self) -> None:
        self.time = system_now()
        super().__init__(lambda: self.time)

    def forward(self, seconds: float) -> datetime:
        self.time += timedelta(seconds=seconds)
        return self.time


class Process:
    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.services: Services = app.state.services
        self.behind = False
        """Whether the other has changed something since this one has heard everything."""
        self._awaited: dict[str, asyncio.Event] = {}
        self.services.doorbell._rings[Session.__collection__].append(Ring(Session, {}, self._told))

    def _told(self, session_id: str) -> None:
        if session_id in self._awaited:
            self._awaited.pop(session_id).set()

    def client(self, address: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self._app, raise_app_exceptions=False, client=(address, 50_000))
        return httpx2.AsyncClient(transport=transport, base_url="http://pastis.test")

    async def hear_all(self) -> None:
        """Wait until the doorbell has told of all that was changed: of a login's end that comes last."""
        sessions = self.services.database.collection(Session)
        last, heard = new_id(), asyncio.Event()
        self._awaited[last] = heard
        await sessions.insert_one({"_id": last, "access_hash": last, "refresh_hash": last})
        await sessions.delete_one({"_id": last})
        async with asyncio.timeout(PATIENCE_SECONDS):
            await heard.wait()
        self.behind = False

    def forget(self) -> None:
        """What is looked up counts for a second at most: here is its end."""
        self.services.access._known.clear()


class Processes:
    """Both, from `open` to `close`; `run` lets them do something."""

    def __init__(self, settings: Settings) -> None:
        self.clock = StillClock()
        self._settings = settings
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._stack = AsyncExitStack()
        self.all: list[Process] = []

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(doing)

    def open(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        database = Database.connect(self._settings)
        await database.client.drop_database(database.name)
        await database.close()
        for _ in range(2):
            app = create_app(self._settings, self.clock)
            await self._stack.enter_async_context(app.router.lifespan_context(app))
            process = Process(app)
            await process.services.until_ready()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await process.services.doorbell.listening.wait()
            self.all.append(process)

    def close(self) -> None:
        self.run(self._stack.aclose())
        self._runner.close()


class Wire:
    """Sends requests of one network, through either process, once it has heard what the other did."""

    def __init__(self, processes: Processes, address: str) -> None:
        self.processes = processes.all
        self._clients = [process.client(address) for process in self.processes]

    async def process(self, number: int) -> Process:
        process = self.processes[number]
        if process.behind:
            await process.hear_all()
        return process

    async def send(self, number: int, method: str, path: str, token: str | None, **options: Any) -> Answer:
        process = await self.process(number)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        client = self._clients[number]
        answer = await client.request(method, f"/api/v1{path}", headers=headers, **options)
        dry = "dry_run" in options.get("params", {})
        if method != "GET" and not dry and (answer.is_success or path.startswith("/auth")):
            self.changed(process)
        return answer

    def changed(self, process: Process) -> None:
        """The others have something to hear of."""
        for other in self.processes:
            if other is not process:
                other.behind = True

    def forget(self) -> None:
        for process in self.processes:
            process.forget()

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
