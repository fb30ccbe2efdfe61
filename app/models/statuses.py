"""Statuses: the columns of a project's board."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class Category(StrEnum):
    """What a status means to planning, whatever a team calls it."""

    BACKLOG = "backlog"
    CANCELED = "canceled"
    DONE = "done"
    IN_PROGRESS = "in_progress"
    TODO = "todo"


class Status(Entity):
    """`category` never changes: each task carries a copy, by which lists are filtered."""

    KIND: ClassVar[str] = "status"
    INTERNAL: ClassVar[frozenset[str]] = frozenset()
    PROJECT: ClassVar[str] = "project_id"

    id: str = Field(primary_field=True)
    workspace_id: str
    project_id: str
    name: str
    category: Category
    rank: str
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "statuses",
        "indexes": lambda: [index("statuses_by_rank", "workspace_id", "project_id", "rank", "_id")],
    }

    @classmethod
    def groups(cls, doc: Doc) -> list[str]:
        return [f"project:{doc['project_id']}"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"], doc["project_id"]]
