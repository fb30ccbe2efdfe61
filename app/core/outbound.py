"""The one client for what Pastis asks of other servers: bounded in time and size, and never redirected."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import orjson

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 8.0
MAX_BYTES = 1_000_000


class OutboundError(Exception):
    """No usable answer came: nobody there, too slow, too large, redirected, or no JSON."""


class Outbound:
    """Asks servers that the operator named for JSON. Addresses that clients give must not come here."""

    def __init__(self, max_bytes: int = MAX_BYTES, total_seconds: float = TOTAL_SECONDS) -> None:
        self._max_bytes = max_bytes
        self._total_seconds = total_seconds
        self._http: httpx2.AsyncClient | None = None

    async def ask(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """The status, below 300 or from 400 on, and the JSON of the answer; raises OutboundError."""
        # What is compressed could become larger than any bound in one step.
        head = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
        request = self._client().build_request(method, address, data=form, headers=head)
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._answer(request)
        except TimeoutError:
            raise OutboundError(f"no answer within {self._total_seconds} seconds") from None
        except httpx2.HTTPError as error:
            raise OutboundError(type(error).__name__) from error
        except ValueError as error:
            raise OutboundError("the answer is no JSON") from error

    async def _answer(self, request: httpx2.Request) -> tuple[int, Any]:
        answer = await self._client().send(request, stream=True, follow_redirects=False)
        try:
            if answer.is_redirect:
                raise OutboundError("the answer is a redirection")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise OutboundError("the answer is compressed, which was not asked for")
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > self._max_bytes:
                    raise OutboundError(f"the answer is larger than {self._max_bytes} bytes")
            return answer.status_code, orjson.loads(body)
        finally:
            await answer.aclose()

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:  # made on first use: reading the certificates takes its time
            self._http = httpx2.AsyncClient(
                timeout=httpx2.Timeout(self._total_seconds, connect=CONNECT_SECONDS),
                limits=httpx2.Limits(max_connections=20),
            )
        return self._http

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
