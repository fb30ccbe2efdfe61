"""One limiter for every verifier: what fails counts, what succeeds does not, and nobody locks others out."""

import asyncio

import pytest

from app.core.errors import ErrorCode, PastisError
from app.models.limits import Bucket
from app.services.bootstrap import Services
from app.services.limits import LimitEngine, Purpose, engine, queries
from app.services.limits.rules import LIMITS, By
from app.tests.support.origins import coming_from
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
WRONG = ErrorCode.INVALID_CREDENTIALS
FREE = int(LIMITS[Purpose.LOGIN][0].rate.capacity)


@pytest.fixture
def limits(services: Services) -> LimitEngine:
    """A process of its own."""
    return LimitEngine(services.database, services.secrets)


@pytest.fixture
def account() -> str:
    return f"{new_id()}@fluid.example"


async def fail(
    limits: LimitEngine, account: str, *, device: str | None = None, purpose: Purpose = Purpose.LOGIN
) -> ErrorCode:
    with pytest.raises(PastisError) as caught:
        async with limits.attempt(purpose, account, device_token=device):
            raise PastisError(WRONG)
    if caught.value.code is ErrorCode.TOO_MANY_REQUESTS:
        assert int(caught.value.headers["Retry-After"]) >= 1
    return caught.value.code


async def succeed(limits: LimitEngine, account: str, device: str | None = None) -> None:
    async with limits.attempt(Purpose.LOGIN, account, device_token=device):
        pass


async def exhaust(limits: LimitEngine, account: str, purpose: Purpose = Purpose.LOGIN) -> int:
    """How many wrong attempts are heard."""
    for count in range(1_000):
        if await fail(limits, account, purpose=purpose) is ErrorCode.TOO_MANY_REQUESTS:
            return count
    raise AssertionError("there is no end to it")


@pytest.mark.parametrize("purpose", [one for one in Purpose if LIMITS[one][0].by is By.PAIR])
async def test_guessing_ends(limits: LimitEngine, account: str, purpose: Purpose) -> None:
    with coming_from("192.0.2.1"):
        assert await exhaust(limits, account, purpose) == LIMITS[purpose][0].rate.capacity


async def test_many_guesses_at_once_are_no_way_around(limits: LimitEngine, account: str) -> None:
    with coming_from("192.0.2.2"):
        codes = await asyncio.gather(*(fail(limits, account) for _ in range(60)))
    # Perhaps one fewer: some hold a token of the large bucket until the small one refuses them.
    assert 0 < codes.count(WRONG) <= FREE


async def test_another_process_and_another_address_of_the_network_know_of_it(
    services: Services, limits: LimitEngine, account: str
) -> None:
    with coming_from("192.0.2.3"):
        await exhaust(limits, account)
    other = LimitEngine(services.database, services.secrets)
    with coming_from("192.0.2.200"):
        assert await fail(other, account) is ErrorCode.TOO_MANY_REQUESTS
        assert await fail(other, f" {account.upper()} ") is ErrorCode.TOO_MANY_REQUESTS


async def test_successes_are_given_back(limits: LimitEngine, account: str) -> None:
    with coming_from("192.0.2.4"):
        for _ in range(FREE * 3):
            await succeed(limits, account)
        assert await exhaust(limits, account) == FREE


async def test_a_refused_attempt_costs_the_other_buckets_nothing(
    services: Services, limits: LimitEngine, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "REMEMBERED_SECONDS", 0.0)
    with coming_from("192.0.2.5"):
        await exhaust(limits, account)
        before = await tokens(services, limits, account)
        for _ in range(10):
            assert await fail(limits, account) is ErrorCode.TOO_MANY_REQUESTS
        assert await tokens(services, limits, account) == pytest.approx(before, abs=0.5)


async def tokens(services: Services, limits: LimitEngine, account: str) -> list[float]:
    keys = [bucket_id for bucket_id, _ in limits._buckets(Purpose.LOGIN, account, None)]
    found = await services.database.collection(Bucket).find({"_id": {"$in": keys}}).sort("_id").to_list()
    assert len(found) == len(keys)
    return [bucket["tokens"] for bucket in found]


async def test_an_attacker_from_a_does_not_lock_out_the_victim_at_b(
    limits: LimitEngine, account: str
) -> None:
    with coming_from("192.0.2.6"):
        await exhaust(limits, account)
    with coming_from("198.51.100.6"):
        await succeed(limits, account)


async def test_attackers_from_everywhere_do_not_lock_out_a_device_that_the_account_knows(
    limits: LimitEngine, account: str
) -> None:
    with coming_from("198.51.100.7"):
        device = limits.device_token(account)
    refused = 0
    for number in range(40):
        with coming_from(f"203.0.{number}.1"):
            for _ in range(3):
                refused += await fail(limits, account) is ErrorCode.TOO_MANY_REQUESTS
    assert refused, "the whole of the account is bounded"
    with coming_from("198.51.100.7"):
        assert await fail(limits, account) is ErrorCode.TOO_MANY_REQUESTS
        await succeed(limits, account, device)
    with coming_from("203.0.1.1"):  # in the attacker's very network
        await succeed(limits, account, device)
    with coming_from("203.0.1.1", device=device):
        await succeed(limits, account)


async def test_a_known_device_guesses_no_more_than_others(limits: LimitEngine, account: str) -> None:
    device = limits.device_token(account)
    with coming_from("192.0.2.8"):
        codes = [await fail(limits, account, device=device) for _ in range(FREE + 5)]
    assert codes.count(WRONG) == FREE


async def test_a_device_token_is_of_one_account_and_of_this_server(
    services: Services, limits: LimitEngine, account: str
) -> None:
    device = limits.device_token(account)
    assert limits.device_token(account.upper(), device) == device
    for foreign in (f"other-{account}", "", "x"):
        assert limits.device_token(foreign, device) != device
    stranger = LimitEngine(services.database, [b"another secret"])
    assert stranger.device_token(account, device) != device
    turned = LimitEngine(services.database, [b"a new secret", *services.secrets])
    assert turned.device_token(account, device) == device
    with coming_from("192.0.2.9"):
        await exhaust(limits, account)
        for forged in (limits.device_token(f"other-{account}"), device + "x", "x." + device, "é", ".", "a.b"):
            assert await fail(limits, account, device=forged) is ErrorCode.TOO_MANY_REQUESTS


async def test_a_bucket_that_is_known_to_be_empty_is_not_asked(services: Services, account: str) -> None:
    limits = LimitEngine(services.database, services.secrets)
    with coming_from("192.0.2.10"):
        await exhaust(limits, account)
        asked = [0]
        real = queries.take

        async def counted(*arguments: object) -> object:
            asked[0] += 1
            return await real(*arguments)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(queries, "take", counted)
            for _ in range(20):
                assert await fail(limits, account) is ErrorCode.TOO_MANY_REQUESTS
            assert asked == [0]
            for one in limits._empty:
                limits._empty[one] = (0.0, 0.0)
            assert await fail(limits, account) is ErrorCode.TOO_MANY_REQUESTS
            assert asked[0] > 0


async def test_what_is_remembered_has_a_bound(limits: LimitEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_REMEMBERED", 3)
    for number in range(10):
        limits._remember([(str(number), 60.0)])
        assert len(limits._empty) <= 3


async def test_mails_are_bounded_whether_they_are_wanted_or_not(limits: LimitEngine, account: str) -> None:
    with coming_from("192.0.2.11"):
        for _ in range(int(LIMITS[Purpose.PASSWORD_RESET][0].rate.capacity)):
            await limits.spend(Purpose.PASSWORD_RESET, account)
        with pytest.raises(PastisError) as caught:
            await limits.spend(Purpose.PASSWORD_RESET, account)
        assert caught.value.code is ErrorCode.TOO_MANY_REQUESTS
        await limits.spend(Purpose.PASSWORD_RESET, f"other-{account}")
