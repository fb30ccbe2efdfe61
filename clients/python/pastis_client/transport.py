"""Requests that are sent until an answer comes."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx2

from pastis_client.backoff import Backoff
from pastis_client.errors import TRANSIENT, UnreachableError, retry_after


@dataclass(frozen=True, slots=True)
class Request:
    """`repeatable`: sending it twice does what sending it once does."""

    method: str
    path: str
    body: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    repeatable: bool = True


class Transport:
    """Repeats what may be repeated while there is no answer or a transient one, for `patience` seconds."""

    def __init__(self, http: httpx2.AsyncClient, patience: float) -> None:
        self.http = http
        self._patience = patience

    async def send(self, request: Request, bearer: str | None = None) -> httpx2.Response:
        """The answer, be it a refusal; raises UnreachableError where none came."""
        deadline = monotonic() + self._patience
        backoff = Backoff()
        while True:
            answer, lost = await self._ask(request, bearer)
            pause = backoff.next()
            if answer is not None:
                pause += retry_after(answer) or 0
            if answer is not None and not _passes(answer, bearer):
                return answer
            if not request.repeatable or monotonic() + pause > deadline:
                if answer is not None:
                    return answer
                raise UnreachableError(f"{request.method} {request.path}: {lost!r}") from lost
            await asyncio.sleep(pause)

    async def _ask(
        self, request: Request, bearer: str | None
    ) -> tuple[httpx2.Response | None, httpx2.RequestError | None]:
        headers = dict(request.headers)
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        try:
            answer = await self.http.request(
                request.method,
                request.path,
                params=request.params,
                json=request.body,
                headers=headers,
            )
        except httpx2.RequestError as error:
            return None, error
        return answer, None


def _passes(answer: httpx2.Response, bearer: str | None) -> bool:
    """Whether it is worth asking again. Who guesses too often at a password must see how long to wait."""
    return answer.status_code in TRANSIENT and not (answer.status_code == 429 and bearer is None)
