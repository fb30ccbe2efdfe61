"""Labels: words that tasks of any project of the workspace carry."""

from datetime import datetime
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class Label(Entity):
    """`folded` is the name as it is compared: no two labels differ by case alone."""

    KIND: ClassVar[str] = "label"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"folded"})
    PROJECT: ClassVar[None] = None

    id: str = Field(primary_field=True)
    workspace_id: str
    name: str
    folded: str
    color: str
    description: str
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "labels",
        "indexes": lambda: [
            index("labels_by_name", "workspace_id", "folded", unique=True),
            index("labels_in_order", "workspace_id", "folded", "_id"),
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
