"""Invitations into a workspace, and their secrets beside the log."""

from datetime import datetime
from typing import ClassVar

from odmantic import Field, Model

from app.core.documents import Doc, Entity, index
from app.models.memberships import Role
from app.models.users import Locale


class Invitation(Entity):
    """Who may come in, as what, until when. `email` is masked: the log keeps nobody's address."""

    KIND: ClassVar[str] = "invitation"
    INTERNAL: ClassVar[frozenset[str]] = frozenset()
    PROJECT: ClassVar[None] = None

    id: str = Field(primary_field=True)
    workspace_id: str
    email: str | None
    """None for a link that whoever has it may use."""
    role: Role
    custom_role_id: str | None = None
    membership_id: str | None = None
    """The placeholder that whoever accepts becomes."""
    invited_by: str
    """The membership that made it, with which it ends."""
    max_uses: int
    uses: int = 0
    expires_at: datetime
    sent_at: datetime | None = None
    """When it was mailed last."""
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "invitations",
        "indexes": lambda: [
            index("invitations_by_time", "workspace_id", "created_at", "_id"),
            index("invitations_by_inviter", "workspace_id", "invited_by"),
            index("invitations_by_placeholder", "workspace_id", "membership_id"),
        ],
    }

    @classmethod
    def groups(cls, _doc: Doc) -> list[str]:
        return ["workspace"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"]]


class InvitationSecret(Model):
    """What opens an invitation, as SHA-256, and the address that it is bound to; gone when it expires.

    It has the id of its invitation. A new one takes the place of the former.
    """

    id: str = Field(primary_field=True)
    workspace_id: str
    token_hash: str
    email: str | None
    locale: Locale
    """Of its mails."""
    seq: int
    """The command that it was made for, so that one which is repeated makes no other."""
    expires_at: datetime

    model_config = {
        "collection": "invitation_secrets",
        "indexes": lambda: [
            index("invitation_secrets_by_token", "token_hash", unique=True),
            index("invitation_secrets_by_email", "email"),
            index("invitation_secrets_expire", "expires_at", expireAfterSeconds=0),
        ],
    }
