"""Projects: a key, a name, a board of tasks."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class Visibility(StrEnum):
    """Who sees a project without a grant: nobody but the admins, all members, or these and its links."""

    LINK = "link"
    PRIVATE = "private"
    WORKSPACE = "workspace"


class Project(Entity):
    """`key` never changes, since every task's key begins with it.

    `last_task_number` and `last_rank` are the highest ever given, so that a new task needs no query.
    """

    KIND: ClassVar[str] = "project"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"last_task_number", "last_rank"})
    PROJECT: ClassVar[str] = "_id"

    id: str = Field(primary_field=True)
    workspace_id: str
    key: str
    name: str
    description: str
    lead_id: str | None = None
    visibility: Visibility = Visibility.WORKSPACE
    default_status_id: str
    archived_at: datetime | None = None
    last_task_number: int = 0
    last_rank: str | None = None
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "projects",
        "indexes": lambda: [
            index("projects_by_key", "workspace_id", "key", unique=True),
            index("projects_by_name", "workspace_id", "name", "_id"),
        ],
    }

    @classmethod
    def groups(cls, doc: Doc) -> list[str]:
        return [f"project:{doc['_id']}"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"]]
