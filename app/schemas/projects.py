"""Projects."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.models.projects import Visibility
from app.schemas.base import KEPT, OMITTED, OTHER_ID, Block, Body, Id, Kept, Name, NewId, example

VISIBILITY = (
    "Who sees it without a grant: `private` only owners and admins, `workspace` every member but guests, "
    "`link` these and whoever has a public link to it."
)
ProjectKey = Annotated[str, Field(min_length=2, max_length=10, pattern=r"^[A-Z][A-Z0-9]+$")]


class ProjectCreate(Body):
    id: NewId = None
    key: ProjectKey = Field(description="Begins the key of every task; it never changes.")
    name: Name
    description: Block = ""
    lead_id: Id | None = Field(None, description="A membership, which may then do everything in it.")
    visibility: Visibility = Field(Visibility.WORKSPACE, description=VISIBILITY)

    model_config = Body.model_config | example(key="FLUID", name="Fluid Infusion", description="")


class ProjectPatch(Body):
    name: Name = OMITTED
    description: Block = OMITTED
    lead_id: Id | None = None
    visibility: Visibility = OMITTED
    default_status_id: Id = OMITTED

    model_config = Body.model_config | example(name="Infusion", lead_id=None)


class ProjectRead(Kept):
    workspace_id: Id
    key: str
    name: str
    description: str
    lead_id: Id | None
    visibility: Visibility = Field(description=VISIBILITY)
    default_status_id: Id = Field(description="The status that a new task gets.")
    archived_at: datetime | None

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        key="FLUID",
        name="Fluid Infusion",
        description="",
        lead_id=None,
        visibility="workspace",
        default_status_id=OTHER_ID,
        archived_at=None,
    )
