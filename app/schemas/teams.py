"""Teams: groups of members."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.schemas.base import KEPT, OMITTED, OTHER_ID, Block, Body, Id, Kept, Name, NewId, distinct, example

MemberIds = Annotated[list[Id], Field(max_length=500), AfterValidator(distinct)]


class TeamCreate(Body):
    id: NewId = None
    name: Name
    description: Block = ""
    member_ids: MemberIds = Field(default_factory=list, description="Memberships.")

    model_config = Body.model_config | example(name="Design", description="", member_ids=[OTHER_ID])


class TeamPatch(Body):
    name: Name = OMITTED
    description: Block = OMITTED
    member_ids: MemberIds = OMITTED

    model_config = Body.model_config | example(name="Design and research")


class TeamRead(Kept):
    workspace_id: Id
    name: str
    description: str
    member_ids: list[Id]

    model_config = Kept.model_config | example(
        **KEPT, workspace_id=OTHER_ID, name="Design", description="", member_ids=[OTHER_ID]
    )
