"""Logins: one document a device, with the hashes of its current and former tokens."""

from datetime import datetime

from odmantic import Field, Model

from app.core.documents import index


class Session(Model):
    """A login. Tokens are kept as SHA-256 only, those before the last rotation too."""

    id: str = Field(primary_field=True)
    user_id: str
    access_hash: str
    access_expires_at: datetime
    refresh_hash: str
    previous_access_hash: str | None = None
    previous_access_expires_at: datetime | None = None
    previous_refresh_hash: str | None = None
    rotated_at: datetime
    remember_me: bool
    client: str
    """The user agent, as it was sent at the login."""
    address: str = ""
    """The network address that the login came from."""
    last_address: str = ""
    last_seen_at: datetime | None = None
    """When it was last used, to the minute or so; None for logins of before this was kept."""
    methods: list[str] = []
    """How it was proven who this is, as RFC 8176 names it: pwd, otp, hwk, ..."""
    authenticated_at: datetime | None = None
    """When that was done last; sensitive actions ask for it anew."""
    created_at: datetime
    expires_at: datetime

    model_config = {
        "collection": "sessions",
        "indexes": lambda: [
            index("sessions_by_access", "access_hash", unique=True),
            index("sessions_by_previous_access", "previous_access_hash"),
            index("sessions_by_refresh", "refresh_hash", unique=True),
            index("sessions_by_previous", "previous_refresh_hash"),
            index("sessions_by_user", "user_id"),
            index("sessions_expire", "expires_at", expireAfterSeconds=0),
        ],
    }


class SpentToken(Model):
    """A refresh token of before the former one, by its hash: whoever shows it has copied it."""

    id: str = Field(primary_field=True)
    session_id: str
    spent_at: datetime
    """When it was itself replaced."""
    expires_at: datetime

    model_config = {
        "collection": "spent_tokens",
        "indexes": lambda: [index("spent_tokens_expire", "expires_at", expireAfterSeconds=0)],
    }
