import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import log_in
from app.tests.support.factors import (
    FACTORS,
    add_passkey,
    challenge,
    code,
    confirm,
    enable_totp,
    kept_factors,
)
from app.tests.test_api.auth.logins import log_in as log_in_by_password
from app.tests.test_api.auth.logins import works

pytestmark = pytest.mark.anyio
PATH = f"{FACTORS}/totp"


async def test_no_code_counts_any_more(
    own: Client, anonymous: Client, services: Services, user: User
) -> None:
    secret, _ = await enable_totp(own, services)
    waiting = await challenge(own, user)
    answer = await own.delete(PATH)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await confirm(own, waiting, totp=code(services, secret, 1)), 401, "invalid_factor")
    kept = await kept_factors(services, user)
    assert kept["totp"] is None
    assert kept["recovery_hashes"] == []
    assert await works(anonymous, await log_in_by_password(anonymous, user))


async def test_recovery_codes_stay_while_there_is_a_passkey(own: Client, services: Services) -> None:
    await enable_totp(own, services)
    await add_passkey(own, Authenticator())
    ok(await own.delete(PATH), 204)
    shown = ok(await own.get(FACTORS))
    assert (shown["totp"], shown["recovery_codes_left"]) == (None, 10)


@pytest.mark.usefixtures("long_memory")
async def test_all_other_logins_end(own: Client, services: Services, user: User) -> None:
    await enable_totp(own, services)
    elsewhere = own.as_(await log_in(services, user))
    ok(await elsewhere.get("/api/v1/me"))
    ok(await own.delete(PATH), 204)
    refused(await elsewhere.get("/api/v1/me"), 401, "invalid_token")
    ok(await own.get("/api/v1/me"))


async def test_there_is_none(own: Client) -> None:
    refused(await own.delete(PATH), 404, "not_found")
    await add_passkey(own, Authenticator())
    refused(await own.delete(PATH), 404, "not_found")


async def test_asks_for_a_fresh_login(own: Client, services: Services, clock: TestClock) -> None:
    await enable_totp(own, services)
    clock.forward(minutes=11)
    refused(await own.delete(PATH), 403, "reauthentication_required")
    assert ok(await own.get(FACTORS))["totp"] is not None


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.delete(PATH), 401, "authentication_required")
