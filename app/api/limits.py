"""How many requests a login or an address may send, and what the answers say of it."""

import math
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.network import client_address
from app.services.bootstrap import Services
from app.services.limits import Lease, Leases, network_of, too_many

_PREFIX = "/api/"


class LimitLayer:
    """Adds the RateLimit headers (draft-ietf-httpapi-ratelimit-headers-11) to answers that were counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and "limit" in state:
                message["headers"] = [*message.get("headers", ()), *_headers(*state["limit"])]
            await send(message)

        await self._app(scope, receive, with_headers)


async def count_request(scope: Scope, credential_id: str | None) -> None:
    """Count a request for a login or token, or where there is none for the sender's network.

    One that is handed on, from the fast lane to its route, is counted once. Raises `too_many_requests`.
    """
    state: dict[str, Any] = scope["state"]
    if "counted" in state or not scope["path"].startswith(_PREFIX):  # a health check is always answered
        return
    services: Services = scope["app"].state.services
    if credential_id is not None:
        leases, key = services.login_leases, credential_id
    else:
        leases, key = services.address_leases, network_of(client_address(scope))
    if leases is None:
        return
    lease = leases.spend(key)
    given = True
    if lease is None:
        lease, given = await leases.ask(key)
    state["limit"] = (leases, lease)
    if not given:
        raise too_many(leases.seconds_until(lease))
    state["counted"] = True


def _headers(leases: Leases, lease: Lease) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    left = leases.left(lease)
    full = math.ceil(leases.rate.seconds_until(left, leases.rate.capacity))
    return (b"ratelimit-policy", leases.policy), (b"ratelimit", b"%b;r=%d;t=%d" % (leases.label, left, full))
