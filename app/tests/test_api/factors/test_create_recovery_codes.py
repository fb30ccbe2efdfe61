import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factors import FACTORS, challenge, confirm, enable_totp, kept_factors

pytestmark = pytest.mark.anyio
PATH = f"{FACTORS}/recovery-codes"


async def test_new_ones_take_the_place_of_the_former(own: Client, services: Services, user: User) -> None:
    _, former = await enable_totp(own, services)
    answer = await own.post(PATH)
    codes = ok(answer, 200)["recovery_codes"]
    assert answer.headers["cache-control"] == "no-store"
    assert len(set(codes)) == 10
    assert not set(codes) & set(former)
    kept = str(await kept_factors(services, user))
    assert not any(one in kept for one in codes)
    token = await challenge(own, user)
    refused(await confirm(own, token, recovery_code=former[0]), 401, "invalid_factor")
    ok(await confirm(own, token, recovery_code=codes[0]), 200)


async def test_they_stand_in_for_a_factor_that_must_be_there(
    own: Client, services: Services, user: User
) -> None:
    refused(await own.post(PATH), 404, "not_found")
    assert await kept_factors(services, user) == {}


async def test_asks_for_a_fresh_login(own: Client, services: Services, user: User, clock: TestClock) -> None:
    await enable_totp(own, services)
    before = await kept_factors(services, user)
    clock.forward(minutes=11)
    refused(await own.post(PATH), 403, "reauthentication_required")
    assert await kept_factors(services, user) == before


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.post(PATH), 401, "authentication_required")
