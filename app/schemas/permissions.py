"""Permissions: what somebody may do, and what gives it."""

from typing import Annotated, Literal

from pydantic import Field

from app.models.permissions import Permission
from app.schemas.base import ID, OTHER_ID, Body, Id, Ref, Shown, example


class PermissionQuery(Body):
    """Of what, and of whom; the workspace itself, and oneself, where they are not named."""

    project: Annotated[Ref | None, Field(description="A project's id or key.")] = None
    task: Annotated[Ref | None, Field(description="A task's id or key, which stands for its project.")] = None
    membership: Annotated[Id | None, Field(description="Somebody else, for who may change that.")] = None


class PermissionSource(Shown):
    kind: Literal["grant", "lead", "role", "visibility"] = Field(
        description="The role in the workspace, the project's visibility or lead, or a grant."
    )
    role: str = Field(description="The name of a built-in role, or the id of a custom one.")
    grant_id: Id | None = None
    team_id: Id | None = Field(None, description="The team that has the grant.")


class PermissionRead(Shown):
    permission: Permission
    allowed: bool
    by: list[PermissionSource] = Field(description="Everything that gives it.")


class PermissionsRead(Shown):
    membership_id: Id
    project_id: Id | None
    permissions: list[PermissionRead]

    model_config = Shown.model_config | example(
        membership_id=ID,
        project_id=OTHER_ID,
        permissions=[
            {
                "permission": "task:update",
                "allowed": True,
                "by": [{"kind": "grant", "role": "contributor", "grant_id": ID, "team_id": OTHER_ID}],
            },
            {"permission": "project:update", "allowed": False, "by": []},
        ],
    )
