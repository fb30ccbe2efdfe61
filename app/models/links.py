"""Public links: a project shown to whoever has the link."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from odmantic import Field, Model

from app.core.documents import Doc, Entity, index

VISIT_PREFIX = "pastis_vst_"
"""What the tokens of visits begin with."""


class LinkRole(StrEnum):
    COMMENTER = "commenter"
    VIEWER = "viewer"


class Link(Entity):
    """What opens it is derived from its id, so that it can be copied again; it lies nowhere."""

    KIND: ClassVar[str] = "link"
    INTERNAL: ClassVar[frozenset[str]] = frozenset()
    PROJECT: ClassVar[str] = "project_id"

    id: str = Field(primary_field=True)
    workspace_id: str
    project_id: str
    membership_id: str
    """In whose name its visitors write."""
    name: str
    role: LinkRole
    has_password: bool
    expires_at: datetime | None = None
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "links",
        "indexes": lambda: [index("links_by_project", "workspace_id", "project_id", "_id")],
    }

    @classmethod
    def groups(cls, doc: Doc) -> list[str]:
        return [f"project:{doc['project_id']}"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"], doc["project_id"]]


class LinkPassword(Model):
    """Kept apart from the link, since what a link has is in the log."""

    id: str = Field(primary_field=True)
    """The link's."""
    password_hash: str

    model_config = {"collection": "link_passwords"}


class Visit(Model):
    """Somebody who opened a link; the token is kept as SHA-256 only."""

    id: str = Field(primary_field=True)
    link_id: str
    token_hash: str
    created_at: datetime
    expires_at: datetime

    model_config = {
        "collection": "visits",
        "indexes": lambda: [
            index("visits_by_hash", "token_hash", unique=True),
            index("visits_by_link", "link_id"),
            index("visits_expire", "expires_at", expireAfterSeconds=0),
        ],
    }
