"""How times are written, and where."""

from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

_LENGTH = len("2026-11-23T09:30:00.194")


def rfc3339(time: datetime) -> str:
    """Write a time in UTC to the millisecond, always with its three digits; it may be naive."""
    return time.isoformat("T", "milliseconds")[:_LENGTH] + "Z"


def is_time_zone(name: str) -> bool:
    """Whether the IANA's database has this zone, on this machine."""
    return name in _time_zones()


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())
