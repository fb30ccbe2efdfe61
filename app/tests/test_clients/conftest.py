"""The application over real HTTP, and clients of it over networks that lose what they are told to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI
from pastis_client import Client, MemoryStore
from pastis_client.backoff import Backoff

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.factories import PASSWORD, Workspace, make_user
from app.tests.support.serving import served

Losing = Callable[[httpx2.Request], "str | None"]


class Network(httpx2.AsyncBaseTransport):
    """Asks `losing` what becomes of each request.

    None: it gets through; "request" or "answer": that is lost; a number: a proxy answers with this status.
    """

    def __init__(self) -> None:
        self.losing: Losing = lambda _: None
        self.asked: list[httpx2.Request] = []
        self.answer_lost = asyncio.Event()
        self._real = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        lost = self.losing(request)
        if lost == "request":
            raise httpx2.ConnectError("lost", request=request)
        if lost is not None and lost.isdecimal():
            return httpx2.Response(int(lost), request=request)
        answer = await self._real.handle_async_request(request)
        if lost == "answer":
            await answer.aread()
            await answer.aclose()
            self.answer_lost.set()
            raise httpx2.ReadError("lost", request=request)
        return answer

    async def aclose(self) -> None:
        await self._real.aclose()

    def count(self, path: str) -> int:
        return sum(request.url.path.endswith(path) for request in self.asked)


@pytest.fixture(scope="session")
async def url(app: FastAPI) -> AsyncIterator[str]:
    """Where the application is served."""
    async with served(app) as found:
        yield found


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
async def user(services: Services) -> User:
    return await make_user(services)


REAL_PAUSE = Backoff.next


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before trying again are short."""
    monkeypatch.setattr(Backoff, "next", lambda _: 0.002)


@pytest.fixture
async def client(url: str, network: Network, user: User) -> AsyncIterator[Client]:
    """Somebody in no workspace, logged in."""
    async with Client(url, transport=network) as client:
        await client.login(user.email, PASSWORD)
        yield client


@asynccontextmanager
async def member(url: str, workspace: Workspace, role: str, network: Network) -> AsyncIterator[Client]:
    """One of a workspace's people, logged in."""
    async with Client(url, store=MemoryStore(), transport=network) as client:
        await client.login(workspace.users[role].email, PASSWORD)
        yield client
