"""Teams: groups of members that grants and assignments can name."""

from datetime import datetime
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class Team(Entity):
    """`folded` is the name as it is compared: no two teams differ by case alone."""

    KIND: ClassVar[str] = "team"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"folded"})
    PROJECT: ClassVar[None] = None

    id: str = Field(primary_field=True)
    workspace_id: str
    name: str
    description: str
    member_ids: list[str]
    folded: str = ""
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "teams",
        "indexes": lambda: [
            index("teams_by_name", "workspace_id", "folded", unique=True),
            index("teams_in_order", "workspace_id", "folded", "_id"),
            index("teams_by_member", "member_ids"),
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
