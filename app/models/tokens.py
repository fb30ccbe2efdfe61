"""API tokens: what scripts and agents show in the place of a login."""

from datetime import datetime
from enum import StrEnum

from odmantic import Field, Model

from app.core.documents import index


class TokenKind(StrEnum):
    """Whose it is: an account's own, or a service account's."""

    PERSONAL = "personal"
    SERVICE = "service"

    @property
    def prefix(self) -> str:
        """What its secrets begin with, so that people and scanners know one when they see it."""
        return _PREFIXES[self]


_PREFIXES = {TokenKind.PERSONAL: "pastis_pat_", TokenKind.SERVICE: "pastis_svc_"}


class ApiToken(Model):
    """The secret is kept as SHA-256 only. One that has ended is deleted."""

    id: str = Field(primary_field=True)
    kind: TokenKind
    user_id: str | None = None
    """Whose it is, where it is an account's."""
    workspace_id: str | None = None
    """Where its service account is."""
    membership_id: str | None = None
    """The service account."""
    name: str
    hint: str
    """The last characters of the secret, by which people tell theirs apart."""
    token_hash: str
    scopes: list[str]
    methods: list[str] = []
    """How the login that made it was proven, as RFC 8176 names it."""
    last_used_at: datetime | None = None
    last_address: str | None = None
    created_at: datetime
    expires_at: datetime | None = None

    model_config = {
        "collection": "api_tokens",
        "indexes": lambda: [
            index("api_tokens_by_hash", "token_hash", unique=True),
            index("api_tokens_by_user", "user_id"),
            index("api_tokens_by_membership", "membership_id"),
            index("api_tokens_expire", "expires_at", expireAfterSeconds=0),
        ],
    }
