"""How long a login lives, and what a refresh token that comes back means: for any times."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.config import Settings
from app.services.sessions import rules
from app.services.sessions.rules import GRACE

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is given
settings = st.builds(
    Settings,
    access_token_minutes=st.integers(1, 10_000),
    refresh_token_days=st.integers(1, 400),
    session_hours=st.integers(1, 100),
    _env_file=st.none(),
)


@given(since=st.timedeltas(timedelta(0), timedelta(minutes=3)))
def test_a_replaced_token_may_come_back_for_a_minute(since: timedelta) -> None:
    assert rules.in_grace(NOW - since, NOW) is (since <= GRACE)


def test_the_grace_ends_where_it_says() -> None:
    later = timedelta(milliseconds=1)
    assert rules.in_grace(NOW - GRACE, NOW)
    assert not rules.in_grace(NOW - GRACE - later, NOW)
    # A clock that went back does not end anybody's login.
    assert rules.in_grace(NOW + later, NOW)


@given(left=st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_former_access_token_gets_no_longer_life(left: timedelta) -> None:
    ends = rules.former_access_end(NOW, NOW + left)
    assert ends == min(NOW + GRACE, NOW + left)


AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": "Firefox on Linux",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Safari/605.1.15": "Safari on macOS",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
    "Safari/537.36": "Chrome on Windows",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
    "Safari/537.36 Edg/142.0.0.0": "Edge on Windows",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile "
    "Safari/537.36": "Chrome on Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "CriOS/142.0.0.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
    "Safari/537.36 OPR/120.0.0.0": "Opera on ChromeOS",
    "curl/8.5.0": "curl",
    "pastis-cli": "pastis-cli",
    "unknown": "unknown",
    "": "unknown",
    "/": "unknown",
}


@pytest.mark.parametrize(("agent", "device"), AGENTS.items())
def test_what_a_device_is_called(agent: str, device: str) -> None:
    assert rules.device_name(agent) == device


@given(agent=st.text(max_size=200))
def test_every_device_has_a_name(agent: str) -> None:
    assert rules.device_name(agent)


@given(settings=settings, now=times, remember_me=st.booleans())
def test_a_login_and_its_access_end(settings: Settings, now: datetime, remember_me: bool) -> None:
    ends = rules.session_end(settings, now, remember_me=remember_me)
    expected = (
        timedelta(days=settings.refresh_token_days)
        if remember_me
        else timedelta(hours=settings.session_hours)
    )
    assert ends - now == expected
    access = rules.access_end(settings, now, ends)
    assert now < access <= ends
    assert access == ends or access - now == timedelta(minutes=settings.access_token_minutes)


@given(settings=settings, now=times, left=st.timedeltas(timedelta(0), timedelta(days=2)))
def test_no_access_outlives_its_login(settings: Settings, now: datetime, left: timedelta) -> None:
    assert rules.access_end(settings, now, now + left) <= now + left
