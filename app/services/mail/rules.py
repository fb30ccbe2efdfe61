"""When a mail is tried, and when it is given up. Pure."""

from datetime import datetime, timedelta

LEASE = timedelta(minutes=2)
"""How long whoever tries a mail has it for themselves; an attempt takes less."""
MOST_ATTEMPTS = 24
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)


def next_attempt(attempts: int, now: datetime) -> datetime | None:
    """When a mail is tried again that has failed so many times; None where it is given up.

    The pauses double from ten seconds to an hour, so that it takes more than half a day.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    doublings = min(attempts - 1, 10)
    return now + min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE)
