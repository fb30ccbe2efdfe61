"""Accounts: a person who can log in, in any number of workspaces."""

from datetime import datetime

from odmantic import Field, Model

from app.core.documents import index


class User(Model):
    id: str = Field(primary_field=True)
    email: str
    """Lower case; unique."""
    display_name: str
    password_hash: str | None = None
    """None for somebody who logs in elsewhere only."""
    active: bool = True
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "users",
        "indexes": lambda: [index("users_by_email", "email", unique=True)],
    }
