"""How times are written."""

from datetime import datetime

_LENGTH = len("2026-11-23T09:30:00.194")


def rfc3339(time: datetime) -> str:
    """Write a time in UTC to the millisecond, always with its three digits; it may be naive."""
    return time.isoformat("T", "milliseconds")[:_LENGTH] + "Z"
