import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.utils.cursors import MAX_LENGTH, InvalidCursor, decode, encode

SECRET = b"0123456789abcdef"
SCOPE = "tasks?sort=-due_at"
ALPHABET = string.ascii_letters + string.digits + "-_"
MOMENT = datetime(2025, 3, 1, 10, 30, 15, 123000, tzinfo=UTC)

offsets = st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.datetimes(timezones=offsets)
)


def raw_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text_of(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(st.lists(scalars, max_size=4), st.text(st.characters(codec="utf-8")))
def test_values_come_back_with_their_types(values: list[Any], scope: str) -> None:
    text = encode(values, SECRET, scope)
    assert set(text) <= set(ALPHABET)
    found = decode(text, SECRET, scope)
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


def test_times_keep_their_instant_and_texts_that_look_like_times_stay_texts() -> None:
    paris = MOMENT.astimezone(timezone(timedelta(hours=1)))
    values = [MOMENT, paris, MOMENT.isoformat(), '{"t":"2025-03-01"}']
    found = decode(encode(values, SECRET, SCOPE), SECRET, SCOPE)
    assert found == values
    assert [type(value) for value in found] == [datetime, datetime, str, str]
    assert found[0].utcoffset() == timedelta(0)


def test_encoding_is_deterministic() -> None:
    assert encode([1, "a"], SECRET, SCOPE) == encode([1, "a"], SECRET, SCOPE)


# Three lengths, so that the base64 text ends with no, two and four loose bits.
@pytest.mark.parametrize("title", ["a", "ab", "abc"])
def test_a_change_of_any_character_is_refused(title: str) -> None:
    text = encode([title, MOMENT, 1.5, None], SECRET, SCOPE)
    for place, good in enumerate(text):
        for bad in set(ALPHABET + "+/=. \n\0é") - {good}:
            with pytest.raises(InvalidCursor):
                decode(text[:place] + bad + text[place + 1 :], SECRET, SCOPE)


def test_a_change_of_any_byte_is_refused() -> None:
    raw = raw_of(encode(["title", 7], SECRET, SCOPE))
    for place in range(len(raw)):
        for change in range(1, 256):
            forged = raw[:place] + bytes([raw[place] ^ change]) + raw[place + 1 :]
            with pytest.raises(InvalidCursor):
                decode(text_of(forged), SECRET, SCOPE)


def test_any_cut_or_addition_is_refused() -> None:
    text = encode(["title", 7], SECRET, SCOPE)
    changed = [text[:end] for end in range(len(text))]
    changed += [text + extra for extra in ("=", "==", "\n", " ", "A", "AA", "AAAA", "\ud800")]
    changed += ["=" + text, " " + text, text[:8] + "\n" + text[8:]]
    for bad in changed:
        with pytest.raises(InvalidCursor):
            decode(bad, SECRET, SCOPE)


@given(st.text(max_size=120) | st.text(ALPHABET, max_size=120))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode(text, SECRET, SCOPE)


def test_another_secret_or_scope_is_refused() -> None:
    text = encode(["title"], SECRET, SCOPE)
    for secret, scope in (
        (SECRET + b"x", SCOPE),
        (SECRET, SCOPE + "x"),
        (SECRET, SCOPE.upper()),
        (SECRET, ""),
    ):
        with pytest.raises(InvalidCursor):
            decode(text, secret, scope)


def test_the_scope_cannot_move_into_the_values() -> None:
    raw = raw_of(encode([1], SECRET, "ab"))
    with pytest.raises(InvalidCursor):
        decode(text_of(raw[:16] + b"b" + raw[16:]), SECRET, "a")


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        2**64,
        -(2**63) - 1,
        "\ud800",
        MOMENT.replace(tzinfo=None),
        date(2025, 3, 1),
        uuid4(),
        b"bytes",
        [1],
        {"t": "2025-03-01T00:00:00+00:00"},
        object(),
    ],
)
def test_values_that_would_not_come_back_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode([value], SECRET, SCOPE)


def test_the_length_is_bound_on_both_sides() -> None:
    longest = encode(["x" * 748], SECRET, SCOPE)
    assert len(longest) == MAX_LENGTH
    assert decode(longest, SECRET, SCOPE) == ["x" * 748]
    with pytest.raises(ValueError, match="too long"):
        encode(["x" * 749], SECRET, SCOPE)
    with pytest.raises(InvalidCursor, match="too long"):
        decode("A" * (MAX_LENGTH + 1), SECRET, SCOPE)
