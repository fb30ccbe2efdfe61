"""Second factors of accounts, and the logins that wait for one."""

from datetime import datetime

from odmantic import Field, Model

from app.core.documents import index


class FactorSet(Model):
    """What an account has beside its password and its passkeys; the id is the account's.

    The secrets of the codes are sealed, recovery codes are kept as SHA-256.
    """

    id: str = Field(primary_field=True)
    totp: str | None = None
    totp_since: datetime | None = None
    totp_step: int = -1
    """The time step of the last code that counted: no code of it or before it counts again."""
    pending_totp: str | None = None
    """A secret that was handed out and not yet confirmed."""
    pending_since: datetime | None = None
    recovery_hashes: list[str] = []

    model_config = {"collection": "factors"}


class LoginChallenge(Model):
    """A login that still needs a second factor; the id is the SHA-256 of what its client holds."""

    id: str = Field(primary_field=True)
    user_id: str
    password_digest: str
    """Of the password's hash: a new password voids the challenge."""
    methods: list[str]
    remember_me: bool
    attempts_left: int
    expires_at: datetime

    model_config = {
        "collection": "login_challenges",
        "indexes": lambda: [index("login_challenges_expire", "expires_at", expireAfterSeconds=0)],
    }
