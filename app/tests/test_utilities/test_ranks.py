import string
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.utils.ranks import between, first, spread

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
LOWEST_WHOLE = "A" + "0" * 26
GREATEST_WHOLE = "z" * 27


def digits(size: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=size, max_size=size) | st.sampled_from(["0" * size, "z" * size])


@st.composite
def ranks(draw: st.DrawFn) -> str:
    width = draw(st.integers(1, 3) | st.sampled_from([25, 26]))
    head = draw(st.sampled_from([chr(ord("a") + width - 1), chr(ord("Z") - width + 1)]))
    fraction = draw(st.text(DIGITS, max_size=6) | st.text("0z", max_size=12)).rstrip("0")
    rank = head + draw(digits(width)) + fraction
    assume(rank != LOWEST_WHOLE)
    return rank


ends = st.none() | ranks()


def assert_between(made: list[str], low: str | None, high: str | None) -> None:
    line = [end for end in (low, *made, high) if end is not None]
    assert all(before.encode() < after.encode() for before, after in pairwise(line))


@given(ends, ends)
def test_between_is_strictly_between(one: str | None, other: str | None) -> None:
    low, high = (other, one) if one and other and one > other else (one, other)
    assume(low is None or low != high)
    made = between(low, high)
    assert_between([made], low, high)
    # What it makes is a rank again, with room on both sides.
    assert_between([between(low, made), made, between(made, high)], low, high)


@given(st.integers(0, 200), ends, ends)
def test_spread_ascends_strictly_inside(count: int, one: str | None, other: str | None) -> None:
    low, high = (other, one) if one and other and one > other else (one, other)
    assume(low is None or low != high)
    made = spread(count, low, high)
    assert len(made) == count
    assert all(rank < between(rank, None) for rank in made)  # each is well-formed
    assert_between(made, low, high)


@given(st.lists(st.integers(0, 1_000), max_size=150))
def test_any_order_of_insertions_keeps_the_order(places: list[int]) -> None:
    line: list[str] = []
    for number in places:
        place = number % (len(line) + 1)
        low = line[place - 1] if place else None
        high = line[place] if place < len(line) else None
        line.insert(place, between(low, high))
    assert_between(line, None, None)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (None, None, "a0"),
        ("a0", None, "a1"),
        ("az", None, "b00"),
        ("bzz", None, "c000"),
        ("a0V", None, "a1"),
        (None, "a0", "Zz"),
        (None, "Z0", "Yzz"),
        (None, "Y00", "Xzzz"),
        (None, "a0V", "a0"),
        ("a0", "a1", "a0V"),
        ("a0", "a2", "a1"),
        ("a0", "a9", "a4"),
        ("a0V", "a1", "a0k"),
        ("a0", "a0V", "a0F"),
        ("a0", "a01", "a00V"),
        ("a0z", "a1", "a0zV"),
        ("Zz", "a0", "ZzV"),
        ("Zz", "a1", "a0"),
    ],
)
def test_between_examples(low: str | None, high: str | None, expected: str) -> None:
    assert between(low, high) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (GREATEST_WHOLE[:-1] + "y", None, GREATEST_WHOLE),
        (GREATEST_WHOLE, None, GREATEST_WHOLE + "V"),
        (GREATEST_WHOLE + "z", None, GREATEST_WHOLE + "zV"),
        (None, LOWEST_WHOLE[:-1] + "2", LOWEST_WHOLE[:-1] + "1"),
        (None, LOWEST_WHOLE[:-1] + "1", LOWEST_WHOLE + "V"),
        (None, LOWEST_WHOLE + "V", LOWEST_WHOLE + "F"),
        (None, LOWEST_WHOLE + "1", LOWEST_WHOLE + "0V"),
    ],
)
def test_the_fraction_takes_over_where_whole_numbers_end(
    low: str | None, high: str | None, expected: str
) -> None:
    assert between(low, high) == expected


def test_spread_past_the_last_whole_numbers() -> None:
    assert_between(spread(100, low=GREATEST_WHOLE[:-1] + "x"), GREATEST_WHOLE[:-1] + "x", None)
    assert_between(spread(100, high=LOWEST_WHOLE[:-1] + "3"), None, LOWEST_WHOLE[:-1] + "3")


def test_first_is_the_middle_of_nothing() -> None:
    assert first() == between(None, None) == "a0"


def test_spread_examples() -> None:
    assert spread(0) == spread(0, "a0", "a1") == []
    assert spread(3) == ["a0", "a1", "a2"]
    assert spread(3, low="ay") == ["az", "b00", "b01"]
    assert spread(3, high="a1") == ["Zy", "Zz", "a0"]
    assert spread(61, "a0", "a1") == ["a0" + digit for digit in DIGITS[1:]]
    assert spread(3, "a0", "a2") == ["a0V", "a1", "a1V"]
    assert spread(3, "a0", "a8") == ["a2", "a4", "a6"]


def test_appending_and_prepending_grow_slowly() -> None:
    last, head = first(), first()
    for _ in range(10_000):
        last, head = between(last, None), between(None, head)
    assert (last, head) == (spread(10_001)[-1], spread(10_001, high="a1")[0])
    assert len(last) == len(head) == 4


def test_insertions_at_one_place_grow_by_a_digit_in_five() -> None:
    high = "a1"
    for _ in range(500):
        high = between("a0", high)
    assert len(high) <= 2 + 500 / 5


@pytest.mark.parametrize(
    "rank",
    [
        "",
        "a",
        "0",
        "a00",
        "a0V0",
        "b0",
        "z0",
        "a-",
        "a0\n",
        "é0",
        "a0é",
        "5a",
        LOWEST_WHOLE,
        LOWEST_WHOLE + "0",
    ],
)
def test_malformed_ranks_are_refused(rank: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        between(rank, None)
    with pytest.raises(ValueError, match="malformed"):
        spread(2, None, rank)


@pytest.mark.parametrize(("low", "high"), [("a1", "a0"), ("a0", "a0"), ("a0V", "a0"), ("a0", "Zz")])
def test_ends_out_of_order_are_refused(low: str, high: str) -> None:
    with pytest.raises(ValueError, match="not below"):
        between(low, high)
    with pytest.raises(ValueError, match="not below"):
        spread(0, low, high)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer"):
        spread(-1)
