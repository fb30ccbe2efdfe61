"""How long a login lives, what a presented refresh token means, what a device is called. Pure."""

from datetime import datetime, timedelta

from app.core.config import Settings

GRACE = timedelta(seconds=60)
"""How long a former token is still good after its rotation, for a client whose answer was lost.

A deliberate deviation from RFC 9700 4.14.2, which would end the login.
"""

# The first that a user agent holds names it: most browsers claim to be others as well.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def in_grace(rotated_at: datetime, now: datetime) -> bool:
    """Whether a token that was replaced then may still come from an answer that was lost or late."""
    return now - rotated_at <= GRACE


def session_end(settings: Settings, now: datetime, *, remember_me: bool) -> datetime:
    if remember_me:
        return now + timedelta(days=settings.refresh_token_days)
    return now + timedelta(hours=settings.session_hours)


def access_end(settings: Settings, now: datetime, session_expires_at: datetime) -> datetime:
    return min(now + timedelta(minutes=settings.access_token_minutes), session_expires_at)


def former_access_end(now: datetime, access_expires_at: datetime) -> datetime:
    """How long the access token of before a rotation is good, for requests of other tabs under way."""
    return min(now + GRACE, access_expires_at)


def device_name(user_agent: str) -> str:
    """What people call it: "Firefox on Linux"; of what is no browser the product's name."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or user_agent.partition("/")[0].strip() or "unknown"


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for mark, name in names if mark in user_agent), None)
