"""Accounts: a person who can log in, in any number of workspaces."""

from datetime import datetime
from enum import StrEnum

from odmantic import Field, Model

from app.core.documents import index


class Locale(StrEnum):
    EN = "en"
    FR = "fr"


class User(Model):
    id: str = Field(primary_field=True)
    email: str
    """Lower case; unique."""
    display_name: str
    password_hash: str | None = None
    """None for somebody who logs in elsewhere only."""
    active: bool = True
    time_zone: str = "UTC"
    locale: Locale | None = None
    """The language of mails; None where none was chosen."""
    avatar_version: str | None = None
    deleting_since: datetime | None = None
    """Set while the account is being erased, so that what was interrupted is finished."""
    erased_memberships: list[str] = []
    """Those that have its name no more, and whose part of the log is still to be cleaned."""
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "users",
        "indexes": lambda: [
            index("users_by_email", "email", unique=True),
            index(
                "users_being_deleted",
                "deleting_since",
                partialFilterExpression={"deleting_since": {"$type": "date"}},
            ),
        ],
    }
