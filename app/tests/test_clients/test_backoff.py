"""Pauses grow to a bound, begin anew after a success, and are never the same for all."""

from hypothesis import given
from hypothesis import strategies as st
from pastis_client.backoff import Backoff

from app.tests.test_clients.conftest import REAL_PAUSE


@given(st.integers(0, 5000))
def test_pauses_stay_within_a_bound_that_doubles(failures: int) -> None:
    backoff = Backoff(first=0.5, longest=8.0, failures=failures)
    assert 0 <= REAL_PAUSE(backoff) <= min(8.0, 0.5 * 2 ** min(failures, 10))
    assert backoff.failures == failures + 1


def test_chance_is_in_all_of_a_pause() -> None:
    pauses = [REAL_PAUSE(Backoff(first=1.0)) for _ in range(1000)]
    assert min(pauses) < 0.1
    assert max(pauses) > 0.9
    backoff = Backoff(first=1.0, failures=20)
    backoff.reset()
    assert REAL_PAUSE(backoff) <= 1.0
