"""Custom roles: sets of permissions that take the place of a built-in role."""

from datetime import datetime
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class CustomRole(Entity):
    """Of the workspace's permissions those count for members, of the projects' also for grants."""

    KIND: ClassVar[str] = "role"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"folded"})
    PROJECT: ClassVar[None] = None

    id: str = Field(primary_field=True)
    workspace_id: str
    name: str
    description: str
    permissions: list[str]
    folded: str = ""
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "roles",
        "indexes": lambda: [
            index("roles_by_name", "workspace_id", "folded", unique=True),
            index("roles_in_order", "workspace_id", "folded", "_id"),
        ],
    }

    @classmethod
    def groups(cls, _doc: Doc) -> list[str]:
        return ["workspace"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"]]

    @classmethod
    def derive(cls, doc: Doc) -> Doc:
        return {"folded": doc["name"].casefold()}
