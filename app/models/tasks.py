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


NO_DUE_DATE = "9999-12-31"
"""Sorts tasks without a due date behind all others."""
PRIORITY_ORDER = {
    priority.value: number
    for number, priority in enumerate(
        (Priority.URGENT, Priority.HIGH, Priority.MEDIUM, Priority.LOW, Priority.NONE)
    )
}


def _indexes() -> list[IndexModel]:
    """One an order, for whatever narrows the list: see `Task.derive`."""
    scope = ("workspace_id", "derived.state", "derived.lists")
    return [
        *(index(f"tasks_by_{sort}", *scope, field, "_id") for sort, field in SORTS.items()),
        index("tasks_by_key", "workspace_id", "keys", unique=True),
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

    `category` copies the status's. `keys` and `derived` serve queries and are never sent: see `derive`.
    """

    KIND: ClassVar[str] = "task"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"keys", "derived"})
    PROJECT: ClassVar[str] = "project_id"

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
    keys: list[str] = Field(default_factory=list)
    derived: dict[str, Any] = Field(default_factory=dict)
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

    @classmethod
    def derive(cls, doc: Doc) -> Doc:
        """What tasks are looked up and listed by.

        `keys` are all that it can be called. `derived` has its state; the due date, with an end for none; the
        priority as a number, 0 the most urgent; and `lists`, the ids of all that have it on their list, so
        that one index an order serves them all.
        """
        lists = [
            *(doc["workspace_id"], doc["project_id"], doc["status_id"]),
            *doc["assignee_ids"],
            *doc["label_ids"],
        ]
        if doc["parent_id"] is not None:
            lists.append(doc["parent_id"])
        return {
            "keys": [doc["key"], *doc["former_keys"]],
            "derived": {
                "state": _state(doc).value,
                "due": doc["due_date"] or NO_DUE_DATE,
                "priority": PRIORITY_ORDER[doc["priority"]],
                "lists": lists,
            },
        }


def _state(doc: Doc) -> State:
    if doc["trashed_at"] is not None:
        return State.TRASHED
    return State.ACTIVE if doc["archived_at"] is None else State.ARCHIVED
