"""How many requests a login or an address may send."""

import re
import secrets
import timeit
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx2
import pytest
from fastapi import FastAPI

from app.api.limits import count_request
from app.core.config import Settings
from app.main import create_app
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace, log_in

pytestmark = pytest.mark.anyio
PER_LOGIN, PER_ADDRESS = 120, 60
ME = "/api/v1/me"
Started = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start(test_settings: Settings, workspace: Workspace) -> AsyncIterator[Started]:
    """A process of its own with these limits, as the owner's client."""
    limits = {"rate_limit_per_minute": PER_LOGIN, "anonymous_rate_limit_per_minute": PER_ADDRESS}
    async with AsyncExitStack() as stack:

        async def started(address: str = "", **changes: int) -> Client:
            # A network of its own: what one test has spent must not be missing in the next.
            address = address or f"2001:db8:{secrets.randbits(16):x}:{secrets.randbits(16):x}::1"
            app = create_app(test_settings.model_copy(update={**limits, **changes}), TestClock())
            await stack.enter_async_context(app.router.lifespan_context(app))
            await app.state.services.until_ready()
            transport = httpx2.ASGITransport(app=app, client=(address, 50_000))
            http = httpx2.AsyncClient(transport=transport, base_url="http://pastis.test")
            return Client(await stack.enter_async_context(http), workspace.api.token)

        yield started


async def heard(client: Client, path: str = ME, *, most: int = 1_000) -> int:
    """How many requests are heard before one is refused."""
    for count in range(most):
        answer = await client.get(path)
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["retry-after"]) <= 2
            refused(answer, 429, "too_many_requests")
            assert re.search(r";r=0;", answer.headers["ratelimit"])
            return count
    return most


async def test_answers_tell_what_is_left(start: Started, workspace: Workspace) -> None:
    client = await start()
    before = PER_LOGIN
    for path in (ME, f"{workspace.api.base}/tasks", f"{workspace.api.base}/labels"):
        answer = await client.get(path)
        assert answer.headers["ratelimit-policy"] == f'"login";q={PER_LOGIN};w=60'
        match = re.fullmatch(r'"login";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
        assert match is not None
        assert int(match[1]) == before - 1
        assert 0 < int(match[2]) <= 60
        before = int(match[1])


async def test_a_login_has_its_limit_wherever_it_asks_from(
    start: Started, workspace: Workspace, services: Services
) -> None:
    client, elsewhere = await start("192.0.2.1"), await start("198.51.100.1")
    granted = await heard(client) + await heard(elsewhere)
    assert PER_LOGIN <= granted <= PER_LOGIN + 60  # two come in each second that this takes
    other = client.as_(await log_in(services, workspace.users["member"]))
    ok(await other.get(ME))


async def test_a_new_token_of_the_login_changes_nothing(
    start: Started, workspace: Workspace, services: Services
) -> None:
    client = await start()
    tokens = await services.sessions.open(workspace.users["member"].id, remember_me=False, client="tests")
    await heard(client.as_(tokens.access_token))
    body = {"refresh_token": tokens.refresh_token}
    renewed = ok(await client.as_(None).post("/api/v1/auth/refresh", body))
    assert await heard(client.as_(renewed["access_token"])) <= 20


async def test_without_a_login_the_network_has_its_limit(start: Started) -> None:
    # Both at first: while another process starts, some of what was spent is given back.
    client, neighbour = [(await start(f"2001:db8:5:6::{host}")).as_(None) for host in (1, 2)]
    answer = await client.post("/api/v1/auth/refresh", {"refresh_token": "x"})
    assert answer.headers["ratelimit-policy"] == f'"address";q={PER_ADDRESS};w=60'
    count = 1
    while (await client.post("/api/v1/auth/refresh", {"refresh_token": "x"})).status_code == 401:
        count += 1
        assert count < 1_000
    assert PER_ADDRESS <= count <= PER_ADDRESS + 60
    answer = await neighbour.post("/api/v1/auth/refresh", {"refresh_token": "x"})
    assert answer.status_code in (401, 429)
    assert answer.status_code == 429 or ";r=0;" in answer.headers["ratelimit"]


async def test_whoever_tries_tokens_is_counted_by_network(start: Started) -> None:
    client = await start()
    count = 0
    while (await client.as_(f"token-{count}").get(ME)).status_code == 401:
        count += 1
        assert count < 1_000
    assert PER_ADDRESS <= count <= PER_ADDRESS + 60
    ok(await client.get(ME))


async def test_who_follows_is_counted_as_who_they_are(
    start: Started, workspace: Workspace, services: Services
) -> None:
    """Many visitors share a network, and many jobs of a service."""
    client = await start()
    callers = [workspace.api, await workspace.visitor("viewer"), await workspace.service(services)]
    ok(await client.get(f"{workspace.api.base}/sync"))
    for caller in callers:
        path = f"/api/v1/workspaces/{workspace.id}/sync"
        headers = {"Accept": "text/event-stream"}
        answer = await client.as_(caller.token).request("HEAD", path, headers=headers)
        assert (answer.status_code, answer.headers["ratelimit-policy"][:8]) == (200, '"login";')


async def test_health_is_always_answered(start: Started) -> None:
    client = (await start(anonymous_rate_limit_per_minute=1)).as_(None)
    for _ in range(5):
        answer = await client.get("/health/live")
        ok(answer)
        assert "ratelimit" not in answer.headers


async def test_zero_is_no_limit(start: Started) -> None:
    client = await start(rate_limit_per_minute=0)
    answer = await client.get(ME)
    assert "ratelimit" not in answer.headers
    assert await heard(client, most=PER_LOGIN * 2) == PER_LOGIN * 2


async def test_what_the_fast_lane_hands_on_is_counted_once(start: Started, workspace: Workspace) -> None:
    client = await start()
    first = await client.get(f"{workspace.api.base}/tasks")
    handed_on = await client.get(f"{workspace.api.base}/tasks", params={"colour": "1"})
    refused(handed_on, 422, "unknown_parameter")
    left = [int(one.headers["ratelimit"].split(";")[1][2:]) for one in (first, handed_on)]
    assert left[0] - left[1] == 1
    await heard(client, f"{workspace.api.base}/tasks")
    refused(await client.get(f"{workspace.api.base}/tasks"), 429, "too_many_requests")


async def test_counting_costs_microseconds(start: Started) -> None:
    client = await start(rate_limit_per_minute=6_000_000)
    app: FastAPI = client.http._transport.app  # type: ignore[attr-defined]
    scope = {"app": app, "path": ME, "state": {}}
    await count_request(scope, "one")

    async def often() -> None:
        for _ in range(10_000):
            scope["state"] = {}
            await count_request(scope, "one")

    began = timeit.default_timer()
    await often()
    assert (timeit.default_timer() - began) / 10_000 < 50e-6  # about one, on a machine at rest
