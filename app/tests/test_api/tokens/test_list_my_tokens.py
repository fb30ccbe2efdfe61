import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import log_in, make_user
from app.tests.test_api.tokens.secrets_of import MINE, made

pytestmark = pytest.mark.anyio


async def test_the_newest_first_and_without_secrets(own: Client) -> None:
    first, second = await made(own, name="First"), await made(own, name="Second")
    text = (await own.get(MINE)).text
    listed = ok(await own.get(MINE))["items"]
    assert [one["name"] for one in listed] == ["Second", "First"]
    assert "token" not in listed[0]
    assert first["token"] not in text
    assert second["token"] not in text


async def test_the_last_use(own: Client, services: Services, clock: TestClock) -> None:
    token = await made(own)
    assert (token["last_used_at"], token["last_address"]) == (None, None)
    ok(await own.as_(token["token"]).get("/api/v1/me"))
    await services.token_uses.flush()
    used = ok(await own.get(MINE))["items"][0]
    assert used["last_used_at"] is not None
    assert used["last_address"].startswith("2001:db8:")


async def test_what_has_ended_is_gone(own: Client, services: Services, user: User, clock: TestClock) -> None:
    await made(own, expires_at="2096-01-01T00:00:00Z")
    await made(own)
    clock.forward(days=91)
    left = ok(await own.as_(await log_in(services, user)).get(MINE))["items"]
    assert [one["expires_at"] for one in left] == ["2096-01-01T00:00:00.000Z"]


async def test_not_those_of_others(own: Client, services: Services) -> None:
    await made(own)
    other = own.as_(await log_in(services, await make_user(services)))
    assert ok(await other.get(MINE)) == {"items": []}


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.get(MINE), 401, "authentication_required")
