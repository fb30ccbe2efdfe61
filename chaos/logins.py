"""Clients that stay logged in over a network which loses their answers."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic

import httpx2

from chaos.ledger import Doc

PATIENCE_SECONDS = 50.0
"""How long a client asks for one refresh, within the minute in which its token is still good."""
_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 1.0
_LOSS = 0.3
_CUT_SECONDS = 0.02
AUTH = "/api/v1/auth"


@dataclass
class Tally:
    """What the clients met with."""

    refreshes: int = 0
    lost: int = 0
    """Answers that came, or were to come, and that the client never saw."""
    unanswered: int = 0
    """Requests that a dead or unready server did not answer as asked."""
    forced: int = 0
    """Clients that had to ask for the password."""


class Login:
    """One client. It replaces its tokens only when an answer has reached it."""

    def __init__(self, http: httpx2.AsyncClient, tokens: Doc, tally: Tally, chance: random.Random) -> None:
        self._http = http
        self.tokens = tokens
        self._tally = tally
        self._chance = chance

    async def refresh(self, loss: float = _LOSS) -> bool:
        """Ask with the same token until an answer comes; false where that was a refusal."""
        begun = monotonic()
        pause = _PAUSE_SECONDS
        while monotonic() - begun < PATIENCE_SECONDS:
            answer = await self._ask(loss)
            if answer is not None and answer.status_code == HTTPStatus.OK:
                self.tokens = answer.json()
                self._tally.refreshes += 1
                return True
            if answer is not None and answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
            if answer is not None or loss == 0:
                self._tally.unanswered += 1
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self._tally.forced += 1
        return False

    async def _ask(self, loss: float) -> httpx2.Response | None:
        """The answer; None where it is lost, half of the time before it was sent."""
        lost = self._chance.random() < loss
        cut = self._chance.uniform(0, _CUT_SECONDS) if lost and self._chance.random() < 0.5 else None
        body = {"refresh_token": self.tokens["refresh_token"]}
        answer = None
        with suppress(httpx2.TransportError, TimeoutError):
            async with asyncio.timeout(cut):
                answer = await self._http.post(f"{AUTH}/refresh", json=body)
        if lost:
            self._tally.lost += 1
            return None
        return answer

    async def works(self, http: httpx2.AsyncClient | None = None) -> bool:
        """Whether the access token is good, there or where it came from."""
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return (await (http or self._http).get("/api/v1/me", headers=headers)).status_code == HTTPStatus.OK

    async def end(self) -> None:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        (await self._http.post(f"{AUTH}/logout", headers=headers)).raise_for_status()
