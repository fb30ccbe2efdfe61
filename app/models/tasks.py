"""Tasks, and the indexes that their lists and boards stand on."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from odmantic import Field
from pymongo import IndexModel

from app.core.documents import Doc, Entity, index
from app.models.statuses import Category


class Priority(StrEnum):
    HIGH = "high"
    LOW = "low"
    MEDIUM = "medium"
    NONE = "none"
    URGENT = "urgent"


class TaskType(StrEnum):
    BUG = "bug"
    EPIC = "epic"
    FEATURE = "feature"
    IMPROVEMENT = "improvement"
    STORY = "story"
    TASK = "task"


class State(StrEnum):
    """Where a task is kept: on the lists and boards, put away, or thrown away."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    TRASHED = "trashed"


SORTS = {
    "rank": "rank",
    "created": "created_at",
    "updated": "updated_at",
    "due": "derived.due",
    "priority": "derived.priority",
}
"""The orders of a list by their public name, and the stored field behind each."""


def _indexes() -> list[IndexModel]:
    """Every filter that narrows with every order, so that no list is sorted in memory."""
    scope = ("workspace_id", "derived.state")
    narrow = {"workspace": (), "project": ("project_id",), "assignee": ("assignee_ids",)}
    lists = [
        index(f"tasks_by_{name}_{sort}", *scope, *fields, field, "_id")
        for name, fields in narrow.items()
        for sort, field in SORTS.items()
    ]
    return [
        *lists,
        index("tasks_by_status_rank", *scope, "project_id", "status_id", "rank", "_id"),
        index("tasks_by_label_rank", *scope, "label_ids", "rank", "_id"),
        index("tasks_by_key", "workspace_id", "keys", unique=True),
        index("tasks_by_parent", "workspace_id", "parent_id", "rank", "_id"),
        index("tasks_by_status", "workspace_id", "status_id"),
        index("tasks_by_label", "workspace_id", "label_ids"),
        index("tasks_by_project_rank_all", "workspace_id", "project_id", "rank"),
        index(
            "tasks_by_external",
            "workspace_id",
            "external.source",
            "external.key",
            partialFilterExpression={"external.key": {"$type": "string"}},
        ),
    ]


class Task(Entity):
    """A piece of work.

    `category` copies the status's. `keys` are `key` and `former_keys`, for look-up. `derived` holds what
    lists filter and sort by and nobody sends: the state, the due date with an end for none, the priority
    as a number (0 is the most urgent).
    """

    KIND: ClassVar[str] = "task"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"keys", "derived"})

    id: str = Field(primary_field=True)
    workspace_id: str
    project_id: str
    key: str
    former_keys: list[str] = Field(default_factory=list)
    title: str
    description: str = ""
    type: TaskType = TaskType.TASK
    status_id: str
    category: Category
    priority: Priority = Priority.NONE
    label_ids: list[str] = Field(default_factory=list)
    assignee_ids: list[str] = Field(default_factory=list)
    reporter_id: str | None = None
    parent_id: str | None = None
    estimate: float | None = None
    start_date: str | None = None
    due_date: str | None = None
    rank: str
    completed_at: datetime | None = None
    canceled_at: datetime | None = None
    archived_at: datetime | None = None
    trashed_at: datetime | None = None
    external: dict[str, Any] | None = None
    keys: list[str]
    derived: dict[str, Any]
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {"collection": "tasks", "indexes": _indexes}

    @classmethod
    def groups(cls, doc: Doc) -> list[str]:
        return [f"project:{doc['project_id']}"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"]]
