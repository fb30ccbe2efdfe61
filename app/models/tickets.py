"""Tickets: what a browser opens a socket with, as it cannot send a header there."""

from datetime import datetime

from odmantic import Field, Model

from app.core.documents import index


class Ticket(Model):
    """Good once, for a few seconds, and kept as SHA-256 only: it stands in an address."""

    id: str = Field(primary_field=True)
    """The hash."""
    workspace_id: str
    kind: str
    """What sort of credential it stands for, and its id: of the login, token or visit."""
    credential_id: str
    expires_at: datetime

    model_config = {
        "collection": "tickets",
        "indexes": lambda: [index("tickets_expire", "expires_at", expireAfterSeconds=0)],
    }
