import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from itertools import pairwise
from threading import Thread
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.utils import ids
from app.utils.ids import derived_id, is_id, new_id

SetClock = Callable[[int], None]
MOMENT = datetime(2025, 3, 1, 10, 30, 15, 123999, tzinfo=UTC)
MOMENT_MS = 1_740_825_015_123


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    def set_to(milliseconds: int) -> None:
        monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: milliseconds * 1_000_000))

    monkeypatch.setattr(ids, "_sequence", ids._Sequence())
    return set_to


def milliseconds_of(text: str) -> int:
    return uuid.UUID(text).int >> 80


def test_new_id_is_a_version_7_uuid_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    parsed = uuid.UUID(made)
    assert str(parsed) == made
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert before <= milliseconds_of(made) <= time.time_ns() // 1_000_000 + 1


def test_new_ids_grow_within_a_millisecond(set_clock: SetClock) -> None:
    set_clock(MOMENT_MS)
    made = [new_id() for _ in range(5_000)]
    assert all(earlier < later for earlier, later in pairwise(made))
    assert all(map(is_id, made))
    assert {milliseconds_of(one) for one in made} == {MOMENT_MS}


def test_new_ids_grow_when_the_clock_goes_back(set_clock: SetClock) -> None:
    set_clock(MOMENT_MS)
    earlier = new_id()
    set_clock(MOMENT_MS - 3_600_000)
    assert new_id() > earlier


def test_new_ids_carry_into_the_timestamp(set_clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(MOMENT_MS)
    monkeypatch.setattr(ids, "randbits", lambda bits: 2**bits - 1)
    full = new_id()
    assert full.endswith("-7fff-bfff-ffffffffffff")
    following = new_id()
    assert following > full
    assert is_id(following)
    assert milliseconds_of(following) == MOMENT_MS + 1


def test_threads_never_share_an_id(set_clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(MOMENT_MS)
    monkeypatch.setattr(ids, "randbits", lambda _bits: 0)  # nothing but the lock keeps them apart
    made: list[list[str]] = [[] for _ in range(4)]
    threads = [Thread(target=lambda mine=mine: mine.extend(new_id() for _ in range(5_000))) for mine in made]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len({one for mine in made for one in mine}) == 20_000
    assert all(mine == sorted(mine) for mine in made)


def test_derived_id_is_fixed_for_ever() -> None:
    digest = sha256(b"\0\0\0\0\0\0\0\4todo" + b"\0\0\0\0\0\0\0\2\xc3\xa9").digest()
    random = int.from_bytes(digest) >> 256 - 74
    expected = uuid.UUID(
        int=MOMENT_MS << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & (1 << 62) - 1,
    )
    assert derived_id(MOMENT, "todo", "é") == str(expected)
    assert derived_id(MOMENT, "todo", "é") == "01955141-b353-732f-bb75-da11dd2ba1e1"


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis wants it so
    st.lists(st.text(st.characters(codec="utf-8"))),
)
def test_derived_id_holds_its_time(at: datetime, parts: list[str]) -> None:
    made = derived_id(at, *parts)
    assert is_id(made)
    assert uuid.UUID(made).version == 7
    since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds_of(made))
    assert timedelta(0) <= at - since < timedelta(milliseconds=1)


def test_derived_id_depends_on_the_instant_and_every_part() -> None:
    paris = MOMENT.astimezone(timezone(timedelta(hours=1)))
    assert derived_id(paris, "a") == derived_id(MOMENT, "a")
    variants = [(), ("",), ("", ""), ("abc",), ("ab", "c"), ("a", "bc"), ("bc", "a"), ("a\0bc",)]
    made = [derived_id(MOMENT, *parts) for parts in variants]
    made.append(derived_id(MOMENT + timedelta(milliseconds=1), "abc"))
    assert len(set(made)) == len(made)


def test_derived_id_refuses_times_it_cannot_hold() -> None:
    with pytest.raises(ValueError, match="1970"):
        derived_id(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "a")
    with pytest.raises(TypeError):
        derived_id(MOMENT.replace(tzinfo=None), "a")


def test_is_id_accepts_the_example_of_the_rfc() -> None:
    assert is_id("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "017f22e279b07cc398c4dc0c0c07398f",
        "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n",
        " 017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-78c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "٠17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    ],
)
def test_is_id_refuses(text: str) -> None:
    assert not is_id(text)
