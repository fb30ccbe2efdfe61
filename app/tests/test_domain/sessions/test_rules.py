"""How long a login lives, and what a refresh token that comes back means: for any times."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.core.config import Settings
from app.models.sessions import Session
from app.services.sessions import rules
from app.services.sessions.rules import GRACE, Presented

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is given
settings = st.builds(
    Settings,
    access_token_minutes=st.integers(1, 10_000),
    refresh_token_days=st.integers(1, 400),
    session_hours=st.integers(1, 100),
    _env_file=st.none(),
)


def session(rotated_at: datetime) -> Session:
    return Session(
        id="s",
        user_id="u",
        access_hash="access",
        access_expires_at=NOW,
        refresh_hash="present",
        previous_refresh_hash="former",
        rotated_at=rotated_at,
        remember_me=True,
        client="tests",
        created_at=NOW,
        expires_at=NOW,
    )


@given(since=st.timedeltas(timedelta(0), timedelta(days=40)))
def test_the_present_token_is_always_the_present_one(since: timedelta) -> None:
    assert rules.classify(session(NOW - since), "present", NOW) is Presented.CURRENT


@given(since=st.timedeltas(timedelta(0), timedelta(minutes=3)))
def test_the_former_one_is_a_lost_answer_for_a_minute_and_then_a_copy(since: timedelta) -> None:
    expected = Presented.LOST_ANSWER if since <= GRACE else Presented.REUSED
    assert rules.classify(session(NOW - since), "former", NOW) is expected


def test_the_grace_ends_where_it_says() -> None:
    assert rules.classify(session(NOW - GRACE), "former", NOW) is Presented.LOST_ANSWER
    later = timedelta(milliseconds=1)
    assert rules.classify(session(NOW - GRACE - later), "former", NOW) is Presented.REUSED
    # A clock that went back does not end anybody's login.
    assert rules.classify(session(NOW + later), "former", NOW) is Presented.LOST_ANSWER


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
