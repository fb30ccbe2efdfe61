"""When a job is tried again, and when it is given up. Pure."""

RENEW_SECONDS = 5.0
HELD_SECONDS = 14.0
"""How long after the lease was renewed its holder goes on: it stops before anybody else may begin."""
MOST_ATTEMPTS = 24
_FIRST_PAUSE = 10
_LONGEST_PAUSE = 3600


def next_pause(attempts: int) -> int | None:
    """Seconds until a job is tried again that was tried so many times; None where it is given up.

    They double from ten seconds to an hour, so that it takes more than half a day.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(_FIRST_PAUSE << min(attempts - 1, 10), _LONGEST_PAUSE)
