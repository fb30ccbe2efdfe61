"""Projects."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.schemas.base import KEPT, OMITTED, OTHER_ID, Block, Body, Id, Kept, Name, NewId, example

ProjectKey = Annotated[str, Field(min_length=2, max_length=10, pattern=r"^[A-Z][A-Z0-9]+$")]


class ProjectCreate(Body):
    id: NewId = None
    key: ProjectKey = Field(description="Begins the key of every task; it never changes.")
    name: Name
    description: Block = ""
    lead_id: Id | None = Field(None, description="A membership.")

    model_config = Body.model_config | example(key="FLUID", name="Fluid Infusion", description="")


class ProjectPatch(Body):
    name: Name = OMITTED
    description: Block = OMITTED
    lead_id: Id | None = None
    default_status_id: Id = OMITTED

    model_config = Body.model_config | example(name="Infusion", lead_id=None)


class ProjectRead(Kept):
    workspace_id: Id
    key: str
    name: str
    description: str
    lead_id: Id | None
    default_status_id: Id = Field(description="The status that a new task gets.")
    archived_at: datetime | None

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        key="FLUID",
        name="Fluid Infusion",
        description="",
        lead_id=None,
        default_status_id=OTHER_ID,
        archived_at=None,
    )
