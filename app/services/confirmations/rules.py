"""How long a link is good, and what it looks like. Pure."""

from collections.abc import Mapping
from datetime import timedelta

from app.models.confirmations import Purpose

LIFETIMES: Mapping[Purpose, timedelta] = {
    Purpose.EMAIL_CHANGE: timedelta(hours=24),
    Purpose.PASSWORD_RESET: timedelta(hours=1),
    Purpose.REGISTRATION: timedelta(hours=24),
}
_PATHS: Mapping[Purpose, str] = {
    Purpose.EMAIL_CHANGE: "email-changes/confirm",
    Purpose.PASSWORD_RESET: "password-resets/confirm",
    Purpose.REGISTRATION: "registrations/confirm",
}


def link(public_url: str, purpose: Purpose, token: str) -> str:
    """The token stands behind the #, which browsers send to no server and in no Referer."""
    return f"{public_url}/{_PATHS[purpose]}#token={token}"
