"""Custom roles: sets of permissions."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.models.permissions import Permission
from app.schemas.base import KEPT, OMITTED, OTHER_ID, Block, Body, Id, Kept, Name, NewId, distinct, example

Permissions = Annotated[list[Permission], Field(min_length=1, max_length=100), AfterValidator(distinct)]


class RoleCreate(Body):
    id: NewId = None
    name: Name
    description: Block = ""
    permissions: Permissions = Field(description="What it permits; reading what they are about comes along.")

    model_config = Body.model_config | example(
        name="Triage", description="", permissions=["task:update", "label:create"]
    )


class RolePatch(Body):
    name: Name = OMITTED
    description: Block = OMITTED
    permissions: Permissions = OMITTED

    model_config = Body.model_config | example(permissions=["task:update"])


class RoleRead(Kept):
    workspace_id: Id
    name: str
    description: str
    permissions: list[str]

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        name="Triage",
        description="",
        permissions=["project:read", "status:read", "task:read", "task:update"],
    )
