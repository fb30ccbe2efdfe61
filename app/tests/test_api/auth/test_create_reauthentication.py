from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import Depends, Response

from app.api.gate import RequiresAccount
from app.core.config import Settings
from app.main import create_app
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD
from app.tests.test_api.auth.logins import log_in, sessions_of

pytestmark = pytest.mark.anyio
PATH = "/api/v1/auth/reauthenticate"
SENSITIVE = "/api/v1/sensitive"


async def sensitive() -> Response:
    return Response(status_code=204)


@pytest.fixture
async def client(test_settings: Settings, services: Services, user: User) -> AsyncIterator[Client]:
    """Logged in, to an application that has something sensitive."""
    application = create_app(test_settings)
    application.add_api_route(SENSITIVE, sensitive, dependencies=[Depends(RequiresAccount(recent=True))])
    application.state.services = services
    transport = httpx2.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
        client = Client(http)
        yield client.as_((await log_in(client, user))["access_token"])


@pytest.mark.usefixtures("long_memory")
async def test_opens_what_is_sensitive_for_ten_minutes(
    client: Client, services: Services, user: User, clock: TestClock
) -> None:
    ok(await client.get(SENSITIVE), 204)
    clock.forward(minutes=9, seconds=58)
    ok(await client.get(SENSITIVE), 204)
    clock.forward(seconds=3)
    refused(await client.get(SENSITIVE), 403, "reauthentication_required")
    ok(await client.get("/api/v1/me"))
    (before,) = await sessions_of(services, user)
    answer = await client.post(PATH, {"password": PASSWORD})
    assert (answer.status_code, answer.content) == (204, b"")
    (after,) = await sessions_of(services, user)
    assert after["authenticated_at"] > before["authenticated_at"]
    assert {**after, "authenticated_at": None} == {**before, "authenticated_at": None}
    ok(await client.get(SENSITIVE), 204)
    clock.forward(minutes=10, seconds=1)
    refused(await client.get(SENSITIVE), 403, "reauthentication_required")


async def test_a_refresh_proves_nothing(
    client: Client, services: Services, user: User, clock: TestClock
) -> None:
    tokens = await log_in(client.as_(None), user)
    clock.forward(minutes=11)
    body = {"refresh_token": tokens["refresh_token"]}
    tokens = ok(await client.as_(None).post("/api/v1/auth/refresh", body))
    refused(await client.as_(tokens["access_token"]).get(SENSITIVE), 403, "reauthentication_required")


async def test_only_for_this_login(client: Client, services: Services, user: User, clock: TestClock) -> None:
    other = client.as_((await log_in(client.as_(None), user))["access_token"])
    clock.forward(minutes=11)
    ok(await client.post(PATH, {"password": PASSWORD}), 204)
    refused(await other.get(SENSITIVE), 403, "reauthentication_required")


async def test_a_wrong_password(client: Client, services: Services, user: User) -> None:
    before = await sessions_of(services, user)
    refused(await client.post(PATH, {"password": PASSWORD + "!"}), 401, "invalid_credentials")
    assert await sessions_of(services, user) == before
    ok(await client.get("/api/v1/me"))


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.post(PATH, {"password": PASSWORD}), 401, "authentication_required")


@pytest.mark.parametrize(
    "body",
    [{}, {"password": ""}, {"password": None}, {"password": {"$ne": None}}, {"password": "x" * 129}],
    ids=str,
)
async def test_malformed(client: Client, body: dict[str, Any]) -> None:
    refused(await client.post(PATH, body), 422, "validation_failed")
