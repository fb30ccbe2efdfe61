"""Identifiers: UUID version 7 (RFC 9562, section 5.7), which sort by the time they were made."""

import re
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import randbits
from threading import Lock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANDOM_BITS = 74  # rand_a (12) and rand_b (62)
_STEP_BITS = 32
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class _Sequence:
    """Timestamp and random bits as one growing number (RFC 9562, section 6.2, method 2)."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self) -> int:
        fresh = time.time_ns() // 1_000_000 << _RANDOM_BITS | randbits(_RANDOM_BITS)
        step = 1 + randbits(_STEP_BITS)  # a random step keeps the next id hard to guess
        with self._lock:
            # Within a millisecond, or after the clock went back, the step keeps the order.
            self._last = max(fresh, self._last + step)
            return self._last


_sequence = _Sequence()


def new_id() -> str:
    """Make a UUIDv7, as canonical lower-case text, greater than all this process made before."""
    return _text(_sequence.next())


def derived_id(at: datetime, *parts: str) -> str:
    """Make the UUIDv7 of the millisecond `at` whose random bits are the SHA-256 of `parts`.

    The same input always gives the same id, so that an import run again finds what it made.
    Raises TypeError for a naive `at`, ValueError for one before 1970.
    """
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    if milliseconds < 0:
        raise ValueError("a UUIDv7 cannot hold a time before 1970")
    digest = sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8))  # so that ("ab", "c") and ("a", "bc") differ
        digest.update(data)
    random = int.from_bytes(digest.digest()) >> 256 - _RANDOM_BITS
    return _text(milliseconds << _RANDOM_BITS | random)


def is_id(text: str) -> bool:
    """Whether `text` is the canonical lower-case text of a UUIDv7."""
    return _ID.fullmatch(text) is not None


def _text(number: int) -> str:
    """Write a 48-bit timestamp and 74 random bits as a UUID, with its version and variant."""
    milliseconds = number >> 74
    rand_a = number >> 62 & 0xFFF
    variant = 0x8000 | number >> 48 & 0x3FFF
    node = number & 0xFFFF_FFFF_FFFF
    return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{rand_a:03x}-{variant:04x}-{node:012x}"
