"""Workspaces: what a team shares; each has its own log."""

from datetime import datetime
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class Workspace(Entity):
    KIND: ClassVar[str] = "workspace"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"workspace_id"})
    PROJECT: ClassVar[None] = None

    id: str = Field(primary_field=True)
    workspace_id: str
    slug: str
    name: str
    description: str
    requires_second_factor: bool = False
    """Whether logins that were made without one are kept out."""
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "workspaces",
        "indexes": lambda: [index("workspaces_by_slug", "slug", unique=True)],
    }

    @classmethod
    def groups(cls, _doc: Doc) -> list[str]:
        return ["workspace"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"]]
