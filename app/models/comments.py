"""Comments on tasks."""

from datetime import datetime
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index
from app.models.tasks import Task


class Comment(Entity):
    """Seen by whoever sees its task, wherever that has moved to."""

    KIND: ClassVar[str] = "comment"
    INTERNAL: ClassVar[frozenset[str]] = frozenset()
    PROJECT: ClassVar[tuple[type[Entity], str]] = (Task, "task_id")

    id: str = Field(primary_field=True)
    workspace_id: str
    task_id: str
    author_id: str | None
    body: str
    edited_at: datetime | None = None
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "comments",
        "indexes": lambda: [index("comments_by_task", "workspace_id", "task_id", "created_at", "_id")],
    }

    @classmethod
    def groups(cls, doc: Doc) -> list[str]:
        return [f"task:{doc['task_id']}"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"], doc["task_id"]]
