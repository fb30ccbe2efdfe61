"""Tasks."""

from datetime import datetime
from typing import Any

from pydantic import Field

from app.models.statuses import Category
from app.models.tasks import Priority, TaskType
from app.schemas.base import (
    KEPT,
    OMITTED,
    OTHER_ID,
    Block,
    Body,
    Day,
    Id,
    Ids,
    Kept,
    NewId,
    Number,
    Ref,
    Title,
    example,
)


class TaskCreate(Body):
    id: NewId = None
    project_id: Ref = Field(description="The project's id or key.")
    title: Title
    description: Block = ""
    type: TaskType = TaskType.TASK
    status_id: Id | None = Field(None, description="Else the project's first status to do.")
    priority: Priority = Priority.NONE
    label_ids: Ids = []
    assignee_ids: Ids = Field([], description="Memberships.")
    parent_id: Ref | None = Field(None, description="The parent's id or key.")
    estimate: Number | None = None
    start_date: Day | None = None
    due_date: Day | None = None

    model_config = Body.model_config | example(
        project_id="FLUID",
        title="Keyboard a11y: focus is lost when the dialog closes",
        description="Steps: open the dialog, press **Escape**.",
        type="bug",
        priority="high",
        due_date="2026-12-18",
    )


class TaskPatch(Body):
    """A merge patch: what is absent stays, null clears."""

    title: Title = OMITTED
    description: Block = OMITTED
    type: TaskType = OMITTED
    status_id: Id = OMITTED
    priority: Priority = OMITTED
    label_ids: Ids = OMITTED
    assignee_ids: Ids = OMITTED
    parent_id: Ref | None = None
    estimate: Number | None = None
    start_date: Day | None = None
    due_date: Day | None = None

    model_config = Body.model_config | example(priority="urgent", due_date=None)


class TaskRank(Body):
    """A card's new place: beside another card, in another column, or both."""

    after_id: Ref | None = Field(None, description="The task to stand right behind.")
    before_id: Ref | None = Field(None, description="The task to stand right before.")
    status_id: Id | None = Field(None, description="The column; else it stays.")

    model_config = Body.model_config | example(after_id="FLUID-6142", status_id=OTHER_ID)


class TaskMove(Body):
    """Another project. The task keeps its id, history and former keys."""

    project_id: Ref
    status_id: Id | None = Field(
        None, description="A status there; else the one of the same name or category."
    )

    model_config = Body.model_config | example(project_id="INFRA")


class TaskListItem(Kept):
    """A task without its description."""

    workspace_id: Id
    project_id: Id
    key: str
    former_keys: list[str]
    title: str
    type: TaskType
    status_id: Id
    category: Category
    priority: Priority
    label_ids: list[Id]
    assignee_ids: list[Id]
    reporter_id: Id | None
    parent_id: Id | None
    estimate: float | None
    start_date: str | None
    due_date: str | None
    rank: str
    completed_at: datetime | None
    canceled_at: datetime | None
    archived_at: datetime | None
    trashed_at: datetime | None
    external: dict[str, Any] | None = Field(
        description="Where an imported task came from: source, key, url, links, attachments, fields."
    )
    description: str = Field("", description="Only with `include=description`.")


class TaskRead(TaskListItem):
    description: str

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        project_id=OTHER_ID,
        key="FLUID-6143",
        former_keys=[],
        title="Keyboard a11y: focus is lost when the dialog closes",
        description="Steps: open the dialog, press **Escape**.",
        type="bug",
        status_id=OTHER_ID,
        category="todo",
        priority="high",
        label_ids=[],
        assignee_ids=[OTHER_ID],
        reporter_id=OTHER_ID,
        parent_id=None,
        estimate=3,
        start_date=None,
        due_date="2026-12-18",
        rank="a0",
        completed_at=None,
        canceled_at=None,
        archived_at=None,
        trashed_at=None,
        external=None,
    )
