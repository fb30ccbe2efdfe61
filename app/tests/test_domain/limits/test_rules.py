"""Token buckets as laws, and which buckets an attempt takes from."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.services.limits.rules import LIMITS, By, Level, Purpose, Rate, buckets, network_of, take

RATES = st.builds(Rate, st.integers(1, 200), st.floats(0.001, 50))
# Pauses in seconds, some of them of a clock that was turned back, and how many were wanted.
ASKED = st.lists(st.tuples(st.floats(-5, 60), st.integers(1, 50)), max_size=60)


def run(rate: Rate, asked: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """When how many were given."""
    level: Level | None = None
    now, given_out = 1_000.0, []
    for pause, wanted in asked:
        now += pause
        level, taken = take(rate, level, now, wanted)
        assert 0 <= taken <= wanted
        assert -1e-6 <= level.tokens <= rate.capacity
        given_out.append((now, taken))
    return given_out


@given(RATES, ASKED)
def test_no_window_gives_more_than_the_capacity_and_what_came_in(
    rate: Rate, asked: list[tuple[float, int]]
) -> None:
    given_out = run(rate, [(abs(pause), wanted) for pause, wanted in asked])
    for first in range(len(given_out)):
        total = 0
        for at, taken in given_out[first:]:
            total += taken
            elapsed = at - given_out[first][0]
            assert total <= rate.capacity + rate.per_second * elapsed + 1e-6


@given(RATES, ASKED)
@example(Rate(1, 50.0), [(-5.0, 1), (5.0, 1)])
def test_a_clock_that_is_turned_back_gives_nothing(rate: Rate, asked: list[tuple[float, int]]) -> None:
    given_out = run(rate, asked)
    times = [at for at, _ in given_out] or [0.0]
    # The first time fills the bucket, however early it is.
    elapsed = max(times) - times[0]
    assert sum(taken for _, taken in given_out) <= rate.capacity + rate.per_second * elapsed + 1e-6


@given(RATES, st.floats(0, 200), st.floats(0, 200), st.floats(0, 100), st.integers(1, 50))
def test_it_is_monotone(rate: Rate, less: float, more: float, pause: float, wanted: int) -> None:
    """Who has more, or waits longer, never gets fewer."""
    low, high = sorted((min(less, rate.capacity), min(more, rate.capacity)))
    taken = [take(rate, Level(tokens, 0.0), pause, wanted)[1] for tokens in (low, high)]
    assert taken[0] <= taken[1]
    assert take(rate, Level(low, 0.0), pause + 1, wanted)[1] >= taken[0]


@given(RATES, st.floats(0, 0.999))
def test_whoever_waits_as_told_is_served(rate: Rate, tokens: float) -> None:
    level = Level(min(tokens, rate.capacity), 0.0)
    assert take(rate, level, 0.0, 1)[1] == 0
    wait = rate.seconds_until(level.tokens, 1)
    assert take(rate, level, wait + 1e-6, 1)[1] == 1
    assert wait == 0 or take(rate, level, wait * 0.99 - 1e-6, 1)[1] == 0


@given(RATES)
def test_a_bucket_that_nobody_touches_is_full(rate: Rate) -> None:
    assert take(rate, None, 0.0, 10_000)[1] == int(rate.capacity)
    assert take(rate, Level(0, 0.0), rate.capacity / rate.per_second + 1, 10_000)[1] == int(rate.capacity)


def ids(purpose: Purpose, account: str, address: str | None, device: str | None = None) -> set[str]:
    return {bucket_id for bucket_id, _ in buckets(purpose, account, address, device)}


def test_every_purpose_has_limits_by_account_and_network() -> None:
    assert set(LIMITS) == set(Purpose)
    for limits in LIMITS.values():
        assert {By.ACCOUNT, By.NETWORK} <= {limit.by for limit in limits}


def test_purposes_share_no_bucket() -> None:
    seen = [ids(purpose, "one", "192.0.2.1") for purpose in Purpose]
    assert len(set().union(*seen)) == sum(map(len, seen))


def test_what_others_do_elsewhere_only_meets_in_the_bucket_of_the_account() -> None:
    mine, theirs = ids(Purpose.LOGIN, "one", "192.0.2.1"), ids(Purpose.LOGIN, "one", "198.51.100.1")
    assert len(mine & theirs) == 1
    assert len(mine & ids(Purpose.LOGIN, "other", "192.0.2.1")) == 1
    assert not theirs & ids(Purpose.LOGIN, "other", "192.0.2.1")


def test_a_known_device_shares_no_bucket_with_anybody() -> None:
    device = ids(Purpose.LOGIN, "one", "192.0.2.1", "phone")
    assert device
    assert device == ids(Purpose.LOGIN, "one", "198.51.100.1", "phone")
    assert not device & ids(Purpose.LOGIN, "one", "192.0.2.1")
    assert not device & ids(Purpose.LOGIN, "one", "192.0.2.1", "laptop")
    assert not device & ids(Purpose.LOGIN, "other", "192.0.2.1", "phone")


def test_ids_tell_no_address() -> None:
    for one in ids(Purpose.LOGIN, "justin@fluid.example", "192.0.2.1"):
        assert "justin" not in one
        assert "192" not in one or len(one) == 32


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
        ("", ""),
        (None, "None"),
    ],
)
def test_networks(address: str | None, network: str) -> None:
    assert network_of(address) == network
