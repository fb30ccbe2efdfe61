"""How long a login lives, and what a presented refresh token means. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from app.core.config import Settings
from app.models.sessions import Session

GRACE = timedelta(seconds=60)
"""How long the former refresh token still gives its successor, for a client whose answer was lost.

A deliberate deviation from RFC 9700 4.14.2, which would end the login.
"""


class Presented(StrEnum):
    """What a refresh token turns out to be."""

    CURRENT = "current"
    LOST_ANSWER = "lost_answer"
    REUSED = "reused"


def classify(session: Session, refresh_hash: str, now: datetime) -> Presented:
    """The former token comes back either because the answer was lost, or because somebody copied it."""
    if session.refresh_hash == refresh_hash:
        return Presented.CURRENT
    return Presented.LOST_ANSWER if now - session.rotated_at <= GRACE else Presented.REUSED


def session_end(settings: Settings, now: datetime, *, remember_me: bool) -> datetime:
    if remember_me:
        return now + timedelta(days=settings.refresh_token_days)
    return now + timedelta(hours=settings.session_hours)


def access_end(settings: Settings, now: datetime, session_expires_at: datetime) -> datetime:
    return min(now + timedelta(minutes=settings.access_token_minutes), session_expires_at)
