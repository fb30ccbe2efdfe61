"""Identities: who somebody is for another system, and the logins that are under way there."""

from datetime import datetime

from odmantic import Field, Model

from app.core.documents import index


class Identity(Model):
    """A person as an identity source knows them, and the account that is theirs here.

    Issuer and subject name the person. The address is what the source said last, for people to read.
    """

    id: str = Field(primary_field=True)
    user_id: str
    provider: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    last_used_at: datetime

    model_config = {
        "collection": "identities",
        "indexes": lambda: [
            index("identities_by_subject", "issuer", "subject", unique=True),
            index("identities_by_user", "user_id"),
        ],
    }


class IdentityRequest(Model):
    """Somebody who was sent to a provider and has not come back yet; its id is the hash of `state`."""

    id: str = Field(primary_field=True)
    provider: str
    browser_hash: str
    redirect_uri: str
    remember_me: bool
    user_id: str | None
    """Whose account gets the identity; None where it is to log in."""
    expires_at: datetime

    model_config = {
        "collection": "identity_requests",
        "indexes": lambda: [
            index("identity_requests_expire", "expires_at", expireAfterSeconds=0),
        ],
    }
