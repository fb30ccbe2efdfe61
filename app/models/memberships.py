"""Memberships: a person in a workspace, with or without an account."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class Role(StrEnum):
    ADMIN = "admin"
    GUEST = "guest"
    MEMBER = "member"
    OWNER = "owner"


class MembershipType(StrEnum):
    """`link` is nobody: the name that visitors of a public link write in."""

    LINK = "link"
    PERSON = "person"
    SERVICE = "service"


class Membership(Entity):
    """Whom tasks and comments name. A person without `user_id` is a placeholder, who cannot log in."""

    KIND: ClassVar[str] = "membership"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"given_by", "merging"})
    PROJECT: ClassVar[None] = None

    id: str = Field(primary_field=True)
    workspace_id: str
    type: MembershipType = MembershipType.PERSON
    user_id: str | None
    display_name: str
    role: Role
    given_by: str | None = None
    """The identity whose groups give this role; None for what people gave."""
    custom_role_id: str | None = None
    """What it permits takes the place of what a member may do."""
    removed_at: datetime | None = None
    merged_into_id: str | None = None
    """Who a placeholder turned out to be; never one that was merged itself."""
    merging: bool = False
    """Whether something may still name the placeholder: whoever finds this set goes on."""
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "memberships",
        "indexes": lambda: [
            index(
                "memberships_by_user",
                "user_id",
                "workspace_id",
                unique=True,
                partialFilterExpression={"user_id": {"$type": "string"}},
            ),
            index(
                "memberships_merged",
                "workspace_id",
                "merged_into_id",
                partialFilterExpression={"merged_into_id": {"$type": "string"}},
            ),
            index("memberships_merging", "merging", partialFilterExpression={"merging": True}),
            index("memberships_by_name", "workspace_id", "display_name", "_id"),
        ],
    }

    @classmethod
    def groups(cls, _doc: Doc) -> list[str]:
        return ["workspace"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"]]
