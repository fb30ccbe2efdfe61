"""Requests in the name of one login."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx2

from pastis_client.errors import problem_of
from pastis_client.session import Session
from pastis_client.transport import Request, Transport

CONNECT_SECONDS = 10.0


class Api:
    """Answers that are a success; all else is raised. A token that has ended is renewed on the way."""

    def __init__(self, transport: Transport, session: Session) -> None:
        self._transport = transport
        self._session = session

    async def call(self, request: Request) -> httpx2.Response:
        """Raises ProblemError, UnreachableError and LoginEndedError."""
        bearer = await self._session.bearer()
        answer = await self._transport.send(request, bearer)
        if _refused_token(answer):
            await self._session.renew(bearer)
            answer = await self._transport.send(request, await self._session.bearer())
        if not answer.is_success:
            raise problem_of(answer)
        return answer

    async def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        return (await self.call(Request("GET", path, params=params or {}))).json()

    async def pages(self, path: str, params: dict[str, Any] | None = None) -> AsyncIterator[Any]:
        """Every item of a list, page by page."""
        asked = dict(params or {})
        while True:
            page = await self.get(path, asked)
            for item in page["items"]:
                yield item
            if page["next_cursor"] is None:
                return
            asked["cursor"] = page["next_cursor"]

    @asynccontextmanager
    async def stream(
        self, path: str, params: dict[str, Any], accept: str, silence: float
    ) -> AsyncIterator[httpx2.Response]:
        """An answer that comes in pieces; raises httpx2.RequestError after `silence` seconds without one."""
        bearer = await self._session.bearer()
        async with self._open(path, params, accept, silence, bearer) as answer:
            if not _refused_token(answer):
                yield _successful(answer)
                return
        await self._session.renew(bearer)
        bearer = await self._session.bearer()
        async with self._open(path, params, accept, silence, bearer) as answer:
            yield _successful(answer)

    @asynccontextmanager
    async def _open(
        self, path: str, params: dict[str, Any], accept: str, silence: float, bearer: str
    ) -> AsyncIterator[httpx2.Response]:
        headers = {"Authorization": f"Bearer {bearer}", "Accept": accept}
        timeout = httpx2.Timeout(CONNECT_SECONDS, read=silence)
        async with self._transport.http.stream(
            "GET", path, params=params, headers=headers, timeout=timeout
        ) as answer:
            if not answer.is_success:
                await answer.aread()
            yield answer


def _refused_token(answer: httpx2.Response) -> bool:
    if answer.status_code != HTTPStatus.UNAUTHORIZED:
        return False
    return problem_of(answer).code == "invalid_token"


def _successful(answer: httpx2.Response) -> httpx2.Response:
    if not answer.is_success:
        raise problem_of(answer)
    return answer
