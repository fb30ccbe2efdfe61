"""Ranks: texts that sort bytewise and always leave room between two neighbours.

This is "fractional indexing" (Figma, 2017; the base-62 form of rocicorp/fractional-indexing). A rank
is a number: a whole part, then base-62 fraction digits without a trailing zero. The whole part starts
with a letter that gives its sign and its number of digits ("a" one, "b" two ... "Z" one, "Y" two below
zero), so that appending makes a text longer only at 62, 3906, 242 234 ... ranks.

The whole part ends at 26 digits on either side. Past the last one the fraction takes over, so a rank
always exists after and before any other. The lowest whole number alone, which would have nothing
before it, is not a rank.
"""

import re
from typing import NamedTuple

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE = len(_DIGITS)
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_MAX_WIDTH = 26
_SHAPE = re.compile(r"[A-Za-z][0-9A-Za-z]+")


class _Number(NamedTuple):
    whole: int
    fraction: str = ""

    def ceiling(self) -> int:
        return self.whole + bool(self.fraction)

    def digit(self, place: int) -> int:
        return _VALUES[self.fraction[place]] if place < len(self.fraction) else 0


_TOP = _Number(sum(_BASE**width for width in range(1, _MAX_WIDTH + 1)))  # one past the greatest whole
_BOTTOM = _Number(-_TOP.whole)  # the lowest whole, reserved


def first() -> str:
    """Make the rank of the first item of an empty list."""
    return between(None, None)


def between(low: str | None, high: str | None) -> str:
    """Make a short rank strictly between `low` and `high`; None is an open end.

    Two writers that fill the same gap at the same time get the same rank: sort by rank, then by id.
    Raises ValueError if either is malformed or `low` is not below `high`.
    """
    return spread(1, low, high)[0]


def spread(count: int, low: str | None = None, high: str | None = None) -> list[str]:
    """Make `count` ascending ranks strictly between `low` and `high`, as even as short texts allow.

    At an open end they are whole numbers one apart. Raises ValueError like `between`, and for a
    negative `count`.
    """
    if count < 0:
        raise ValueError("cannot make fewer than no ranks")
    if low is not None and high is not None and low >= high:
        raise ValueError("the low rank is not below the high rank")
    lower = _BOTTOM if low is None else _parse(low)
    upper = _TOP if high is None else _parse(high)
    start = _open_start(count, low, high, lower, upper)
    if start is None:
        return _divide(count, lower, upper)
    return [_whole_text(start + offset) for offset in range(count)]


def _open_start(count: int, low: str | None, high: str | None, lower: _Number, upper: _Number) -> int | None:
    """Find the first of `count` whole numbers next to the given end; None if they do not fit."""
    if low is None and high is None:
        start = 0
    elif high is None:
        start = lower.whole + 1
    elif low is None:
        start = upper.ceiling() - count
    else:
        return None
    return start if lower.whole < start and start + count <= upper.ceiling() else None


def _divide(count: int, lower: _Number, upper: _Number) -> list[str]:
    """Cut the gap into `count` + 1 equal steps, with the fewest fraction digits that can tell them apart."""
    # Both ends scaled by 62**places and cut; the upper one counts up when a part of it was cut off.
    floor, top, places = lower.whole, upper.whole, 0
    while (gap := top + (len(upper.fraction) > places) - floor) <= count:
        floor = floor * _BASE + lower.digit(places)
        top = top * _BASE + upper.digit(places)
        places += 1
    return [_text(floor + step * gap // (count + 1), places) for step in range(1, count + 1)]


def _parse(rank: str) -> _Number:
    if _SHAPE.fullmatch(rank) is None:
        raise ValueError("malformed rank")
    head = rank[0]
    width = ord(head) - ord("a") + 1 if head >= "a" else ord("Z") - ord(head) + 1
    digits, fraction = rank[1 : width + 1], rank[width + 1 :]
    if len(digits) < width or fraction.endswith("0"):
        raise ValueError("malformed rank")
    offset = sum(_BASE**shorter for shorter in range(1, width))
    value = 0
    for digit in digits:
        value = value * _BASE + _VALUES[digit]
    number = _Number(offset + value if head >= "a" else value - _BASE**width - offset, fraction)
    if number == _BOTTOM:
        raise ValueError("malformed rank")
    return number


def _text(scaled: int, places: int) -> str:
    whole, fraction = divmod(scaled, _BASE**places)
    return _whole_text(whole) + _digits(fraction, places).rstrip("0")


def _whole_text(whole: int) -> str:
    # Below zero the digits count up from the lowest number of that width, so that texts still ascend.
    rest = whole if whole >= 0 else -1 - whole
    width = 1
    while rest >= _BASE**width:
        rest -= _BASE**width
        width += 1
    if whole >= 0:
        return chr(ord("a") + width - 1) + _digits(rest, width)
    return chr(ord("Z") - width + 1) + _digits(_BASE**width - 1 - rest, width)


def _digits(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, digit = divmod(value, _BASE)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
