"""Statuses: the columns of a project's board."""

from pydantic import Field

from app.models.statuses import Category
from app.schemas.base import KEPT, OMITTED, OTHER_ID, Body, Id, Kept, Name, NewId, example


class StatusCreate(Body):
    id: NewId = None
    name: Name
    category: Category = Field(description="What the status means to planning; it never changes.")

    model_config = Body.model_config | example(name="In review", category="in_progress")


class StatusPatch(Body):
    name: Name = OMITTED

    model_config = Body.model_config | example(name="In code review")


class StatusMove(Body):
    after_id: Id | None = Field(description="The status to stand behind; null for the first place.")

    model_config = Body.model_config | example(after_id=OTHER_ID)


class StatusRead(Kept):
    workspace_id: Id
    project_id: Id
    name: str
    category: Category
    rank: str

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        project_id=OTHER_ID,
        name="In review",
        category="in_progress",
        rank="a3",
    )
