"""One login, kept alive through lost answers."""

import asyncio
import time
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from pastis_client.documents import Doc
from pastis_client.errors import LoginEndedError, problem_of
from pastis_client.store import Store
from pastis_client.transport import Request, Transport

AUTH = "/api/v1/auth"
EARLY_SECONDS = 30.0
"""So long before its end an access token is replaced."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires_at` is in seconds since 1970, by the clock of this machine."""

    access_token: str
    refresh_token: str
    expires_at: float


class Session:
    """The tokens of one login, or an API token.

    Tokens are replaced only after the store has the new ones. Nothing but a refusal of the server to refresh
    them, or a logout, ends a login: no lost connection and no 5xx does.
    """

    def __init__(self, transport: Transport, store: Store, api_token: str | None = None) -> None:
        self._transport = transport
        self._store = store
        self._api_token = api_token
        self._tokens: Tokens | None = None
        self._refreshing = asyncio.Lock()

    async def restore(self) -> bool:
        """Go on with the login that the store has; false where there is none."""
        self._tokens = await self._stored()
        return self._tokens is not None

    async def login(self, email: str, password: str, *, remember_me: bool = True) -> None:
        """Log in; what answers to a lost answer is another login.

        Raises UnauthorizedError `invalid_credentials`, and `factor_required`, whose `body["challenge"]` goes
        to `confirm`.
        """
        body = {"email": email, "password": password, "remember_me": remember_me}
        await self._open(Request("POST", f"{AUTH}/login", await self._with_device(body)))

    async def confirm(
        self, challenge: str, *, totp: str | None = None, recovery_code: str | None = None
    ) -> None:
        """Finish a login with a second factor. A code counts once: where the answer is lost, log in again."""
        factor = {"totp": totp} if totp is not None else {"recovery_code": recovery_code}
        body = await self._with_device({"challenge": challenge, **factor})
        await self._open(Request("POST", f"{AUTH}/login/factor", body, repeatable=False))

    async def logout(self) -> None:
        """End the login, here and at the server."""
        if self._tokens is None:
            return
        answer = await self._transport.send(Request("POST", f"{AUTH}/logout"), self._tokens.refresh_token)
        if not answer.is_success and answer.status_code != HTTPStatus.UNAUTHORIZED:
            raise problem_of(answer)
        await self._keep(None)

    async def bearer(self) -> str:
        """What to show with a request; raises LoginEndedError where there is no login."""
        if self._api_token is not None:
            return self._api_token
        tokens = self._present()
        if tokens.expires_at - time.time() < EARLY_SECONDS:
            await self.renew(tokens.access_token)
        return self._present().access_token

    async def renew(self, refused: str) -> None:
        """Replace the access token that was refused, once for all who ask at the same time.

        Raises LoginEndedError where the login has ended, UnreachableError or ProblemError where nobody can
        tell: then the tokens stay.
        """
        async with self._refreshing:
            tokens = self._present()
            if tokens.access_token == refused:
                await self._refresh(tokens)

    def _present(self) -> Tokens:
        if self._tokens is None:
            raise LoginEndedError("there is no login")
        return self._tokens

    async def _refresh(self, tokens: Tokens) -> None:
        asked_at = time.time()
        body = {"refresh_token": tokens.refresh_token}
        answer = await self._transport.send(Request("POST", f"{AUTH}/refresh", body))
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            await self._look_for_newer(tokens)
        elif answer.is_success:
            await self._keep(_tokens(answer.json(), asked_at))
        else:
            raise problem_of(answer)

    async def _look_for_newer(self, tokens: Tokens) -> None:
        """Another process may have refreshed, and stored what it got."""
        stored = await self._stored()
        if stored is None or stored.refresh_token == tokens.refresh_token:
            await self._keep(None)
            raise LoginEndedError("the login has ended")
        self._tokens = stored

    async def _open(self, request: Request) -> None:
        asked_at = time.time()
        answer = await self._transport.send(request)
        if not answer.is_success:
            raise problem_of(answer)
        told = answer.json()
        await self._store.save("device", told.get("device_token"))
        await self._keep(_tokens(told, asked_at))

    async def _with_device(self, body: Doc) -> Doc:
        """Who shows a device that logged in before is not kept out by the failures of others."""
        return {**body, "device_token": await self._store.load("device")}

    async def _stored(self) -> Tokens | None:
        kept = await self._store.load("tokens")
        return None if kept is None else Tokens(**kept)

    async def _keep(self, tokens: Tokens | None) -> None:
        await self._store.save("tokens", None if tokens is None else asdict(tokens))
        self._tokens = tokens


def _tokens(told: dict[str, Any], asked_at: float) -> Tokens:
    return Tokens(told["access_token"], told["refresh_token"], asked_at + told["expires_in"])
