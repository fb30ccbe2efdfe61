"""The outbox: mails that are still to be delivered, and those that could not be."""

from datetime import datetime
from enum import StrEnum

from odmantic import Field, Model

from app.core.documents import index

KEPT_SECONDS = 30 * 24 * 3600


class Letter(StrEnum):
    """Every mail that Pastis writes."""

    ADDRESS_IN_USE = "address_in_use"
    EMAIL_CHANGE = "email_change"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    INVITATION = "invitation"
    INVITATION_OF_ACCOUNTS = "invitation_of_accounts"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a letter, not a password
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the same
    REGISTRATION = "registration"
    TEST = "test"


class MailState(StrEnum):
    FAILED = "failed"
    QUEUED = "queued"


class Mail(Model):
    """A mail, whose content is sealed: it may hold what opens an account."""

    id: str = Field(primary_field=True)
    user_id: str | None
    """The account that it is about, with which it is erased."""
    letter: Letter
    sealed: str
    state: MailState = MailState.QUEUED
    attempts: int = 0
    due_at: datetime
    """When it is tried next; whoever tries it moves this ahead, so that nobody else does meanwhile."""
    error: str | None = None
    """The kind of the last failure."""
    created_at: datetime

    model_config = {
        "collection": "mails",
        "indexes": lambda: [
            index("mails_due", "state", "due_at"),
            index("mails_by_user", "user_id"),
            index("mails_expire", "due_at", expireAfterSeconds=KEPT_SECONDS),
        ],
    }
