"""Pauses between attempts grow, and end."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.jobs import LEASE_SECONDS
from app.services.jobs.rules import HELD_SECONDS, MOST_ATTEMPTS, RENEW_SECONDS, next_pause


@given(st.integers(1, 2 * MOST_ATTEMPTS))
def test_pauses_grow_to_an_hour_and_end(attempts: int) -> None:
    pause = next_pause(attempts)
    if attempts >= MOST_ATTEMPTS:
        assert pause is None
        return
    assert pause is not None
    assert 10 <= pause <= 3600
    later = next_pause(attempts + 1)
    assert later is None or later >= pause


def test_all_attempts_together_take_more_than_half_a_day() -> None:
    assert sum(next_pause(attempts) or 0 for attempts in range(1, MOST_ATTEMPTS)) > 12 * 3600


def test_a_holder_stops_before_anybody_else_may_begin() -> None:
    driver_waits = 5.0
    assert RENEW_SECONDS + driver_waits < HELD_SECONDS
    assert HELD_SECONDS + driver_waits < LEASE_SECONDS
