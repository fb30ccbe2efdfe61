"""Labels."""

from typing import Annotated

from pydantic import Field

from app.schemas.base import KEPT, OMITTED, OTHER_ID, Block, Body, Id, Kept, Name, NewId, example

Color = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
DEFAULT_COLOR = "#8a8f98"


class LabelCreate(Body):
    id: NewId = None
    name: Name
    color: Color = DEFAULT_COLOR
    description: Block = ""

    model_config = Body.model_config | example(name="Accessibility", color="#1f77b4", description="")


class LabelPatch(Body):
    name: Name = OMITTED
    color: Color = OMITTED
    description: Block = OMITTED

    model_config = Body.model_config | example(color="#2ca02c")


class LabelRead(Kept):
    workspace_id: Id
    name: str
    color: str
    description: str

    model_config = Kept.model_config | example(
        **KEPT, workspace_id=OTHER_ID, name="Accessibility", color="#1f77b4", description=""
    )
