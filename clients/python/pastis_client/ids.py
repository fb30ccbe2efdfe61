"""Ids of new documents and mutations: UUIDv7 (RFC 9562), which sort by the time they were made."""

import time
from secrets import randbits


def new_id() -> str:
    """A UUIDv7 of now, in lower case."""
    milliseconds = time.time_ns() // 1_000_000
    variant = 0b10 << 62 | randbits(62)
    number = milliseconds << 80 | 0x7 << 76 | randbits(12) << 64 | variant
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
