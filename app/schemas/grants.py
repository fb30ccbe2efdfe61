"""Grants: a role in one project, for a member or a team."""

from pydantic import Field

from app.models.grants import ProjectRole
from app.schemas.base import KEPT, OMITTED, OTHER_ID, Body, Id, Kept, NewId, example

CUSTOM = "A custom role in the place of `role`: of its permissions those count that are of projects."


class GrantCreate(Body):
    """For a member or for a team: one of the two is named."""

    id: NewId = None
    membership_id: Id | None = None
    team_id: Id | None = None
    role: ProjectRole
    custom_role_id: Id | None = Field(None, description=CUSTOM)

    model_config = Body.model_config | example(membership_id=OTHER_ID, role="contributor")


class GrantPatch(Body):
    role: ProjectRole = OMITTED
    custom_role_id: Id | None = Field(None, description=CUSTOM)

    model_config = Body.model_config | example(role="viewer")


class GrantRead(Kept):
    workspace_id: Id
    project_id: Id
    membership_id: Id | None
    team_id: Id | None
    role: ProjectRole
    custom_role_id: Id | None = Field(description=CUSTOM)

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        project_id=OTHER_ID,
        membership_id=OTHER_ID,
        team_id=None,
        role="contributor",
        custom_role_id=None,
    )
