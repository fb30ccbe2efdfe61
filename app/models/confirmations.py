"""Confirmations: links that were mailed, each good for one thing, once, for a while."""

from datetime import datetime
from enum import StrEnum

from odmantic import Field, Model

from app.core.documents import index


class Purpose(StrEnum):
    EMAIL_CHANGE = "email_change"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a purpose, not a password
    REGISTRATION = "registration"


class Confirmation(Model):
    """What whoever has the link may do. Its token is kept as SHA-256 only."""

    id: str = Field(primary_field=True)
    purpose: Purpose
    subject: str
    """What there is one link for: a new one takes the place of the former."""
    token_hash: str
    user_id: str | None
    email: str
    """The address that the link proves."""
    invited: bool = False
    """Whether it was asked for with an invitation, which lets in where registration is not open."""
    expires_at: datetime

    model_config = {
        "collection": "confirmations",
        "indexes": lambda: [
            index("confirmations_by_subject", "purpose", "subject", unique=True),
            index("confirmations_by_token", "token_hash", unique=True),
            index("confirmations_by_user", "user_id"),
            index("confirmations_expire", "expires_at", expireAfterSeconds=0),
        ],
    }
