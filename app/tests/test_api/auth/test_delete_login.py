import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.test_api.auth.logins import log_in, refresh, sessions_of, works

pytestmark = pytest.mark.anyio
PATH = "/api/v1/auth/logout"


@pytest.mark.usefixtures("long_memory")
async def test_ends_this_login_at_once(anonymous: Client, services: Services, user: User) -> None:
    tokens, other = await log_in(anonymous, user), await log_in(anonymous, user)
    assert await works(anonymous, tokens)
    answer = await anonymous.as_(tokens["access_token"]).post(PATH)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await works(anonymous, tokens)
    answer = await anonymous.post("/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    refused(answer, 401, "invalid_token")
    assert await works(anonymous, other)
    assert len(await sessions_of(services, user)) == 1


@pytest.mark.usefixtures("long_memory")
async def test_also_inside_a_workspace(workspace: Workspace) -> None:
    ok(await workspace.member.get("/labels"))
    ok(await workspace.member.at("").post(PATH), 204)
    refused(await workspace.member.get("/labels"), 401, "invalid_token")
    ok(await workspace.api.get("/labels"))


async def test_a_second_time_there_is_no_login(anonymous: Client, user: User) -> None:
    client = anonymous.as_((await log_in(anonymous, user))["access_token"])
    ok(await client.post(PATH), 204)
    refused(await client.post(PATH), 401, "invalid_token")


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
async def test_any_token_of_the_login_ends_it(
    anonymous: Client, services: Services, user: User, clock: TestClock, name: str
) -> None:
    """Also an access token that has expired, and both of before the last refresh."""
    tokens = await log_in(anonymous, user)
    clock.forward(minutes=16)
    ok(await anonymous.as_(tokens[name]).post(PATH), 204)
    tokens = await log_in(anonymous, user)
    successors = await refresh(anonymous, tokens)
    ok(await anonymous.as_(tokens[name]).post(PATH), 204)
    assert not await works(anonymous, successors)
    assert await sessions_of(services, user) == []


async def test_an_api_token_is_no_login(workspace: Workspace, user: User, services: Services) -> None:
    made = ok(await workspace.member.at("").post("/api/v1/me/tokens", {"name": "CI", "scopes": ["*:*"]}), 201)
    client = workspace.member.at("").as_(made["token"])
    refused(await client.post(PATH), 403, "login_required")
    ok(await client.get("/api/v1/me"))


async def test_without_a_login(anonymous: Client) -> None:
    answer = await anonymous.post(PATH)
    refused(answer, 401, "authentication_required")
    assert answer.headers["www-authenticate"] == "Bearer"
