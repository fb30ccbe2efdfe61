"""Passkeys (WebAuthn credentials) of accounts, and the challenges that they answer."""

from datetime import datetime

from odmantic import Field, Model

from app.core.documents import index


class Passkey(Model):
    id: str = Field(primary_field=True)
    user_id: str
    name: str
    credential_id: str
    """As the authenticator chose it, in base64url; unique."""
    public_key: str
    """COSE, in base64url."""
    sign_count: int
    synced: bool
    """Whether it can be on several devices, as in a password manager; else it never leaves its device."""
    transports: list[str] = []
    created_at: datetime
    last_used_at: datetime | None = None
    clone_suspected_at: datetime | None = None
    """When its counter last went backwards, as that of a copy does."""

    model_config = {
        "collection": "passkeys",
        "indexes": lambda: [
            index("passkeys_by_credential", "credential_id", unique=True),
            index("passkeys_by_user", "user_id"),
        ],
    }


class PasskeyChallenge(Model):
    """Random bytes to be signed once; the id is their SHA-256."""

    id: str = Field(primary_field=True)
    user_id: str | None
    """Who registers a passkey; None where one is used, as that tells who it is."""
    expires_at: datetime

    model_config = {
        "collection": "passkey_challenges",
        "indexes": lambda: [index("passkey_challenges_expire", "expires_at", expireAfterSeconds=0)],
    }
