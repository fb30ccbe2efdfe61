"""Two processes that can be started again, and one that is only asked what is true."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import httpx2
import uvloop

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.main import create_app
from app.services.bootstrap import Services
from app.tests.support.clients import Client

T = TypeVar("T")


class Process:
    """An application, from `open` to `close`."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings, Clock())
        transport = httpx2.ASGITransport(
            app=self.app, raise_app_exceptions=False, client=("192.0.2.1", 50_000)
        )
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://pastis.test")
        self._stack = AsyncExitStack()

    @property
    def services(self) -> Services:
        found: Services = self.app.state.services
        return found

    async def open(self) -> None:
        await self._stack.enter_async_context(self.app.router.lifespan_context(self.app))
        self._stack.push_async_callback(self.http.aclose)
        await self.services.until_ready()

    async def close(self) -> None:
        await self._stack.aclose()


class Pair:
    """`run` lets all of them do something: in between, time stands still for them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.processes: list[Process] = []
        self.witness: Process

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(doing)

    async def open(self) -> None:
        database = Database.connect(self._settings)
        await database.client.drop_database(database.name)
        await database.close()
        self.witness = await self._start()
        self.processes = [await self._start() for _ in range(2)]

    async def close(self) -> None:
        for process in (*self.processes, self.witness):
            await process.close()

    def end(self) -> None:
        self.run(self.close())
        self._runner.close()

    async def restart(self, number: int) -> None:
        """Its streams are told to come back, and all that it had in memory is gone."""
        await self.processes[number].close()
        self.processes[number] = await self._start()

    def client(self, number: int, token: str, base: str) -> Client:
        return Client(self.processes[number].http, token, base)

    async def _start(self) -> Process:
        process = Process(self._settings)
        await process.open()
        return process
