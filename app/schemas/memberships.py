"""Memberships: the people of a workspace."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.models.memberships import MembershipType, Role
from app.schemas.base import KEPT, OMITTED, OTHER_ID, Body, Id, Kept, Name, NewId, example

CUSTOM = "A custom role, which takes the place of what a `member` may do; null for none."


class MembershipCreate(Body):
    """With `email`, somebody who has an account; without, a placeholder named in tasks who cannot log in.

    A `service` account is no person: it has a name, and works through tokens of its own.
    """

    id: NewId = None
    type: Literal["person", "service"] = "person"
    email: Annotated[str, Field(min_length=3, max_length=254)] | None = None
    display_name: Name | None = None
    role: Role = Role.MEMBER
    custom_role_id: Id | None = Field(None, description=CUSTOM)

    model_config = Body.model_config | example(email="colin@fluid.example", role="member")


class MembershipPatch(Body):
    display_name: Name = OMITTED
    role: Role = OMITTED
    custom_role_id: Id | None = Field(None, description=CUSTOM)

    model_config = Body.model_config | example(role="admin")


class MembershipMerge(Body):
    into_id: Id = Field(description="Who the placeholder is: another membership of the workspace.")

    model_config = Body.model_config | example(into_id=OTHER_ID)


class MembershipRead(Kept):
    workspace_id: Id
    type: MembershipType = Field(description="`link`: the name in which visitors of a public link write.")
    user_id: Id | None = Field(
        description="Null for a service account, for a placeholder, who cannot log in, and for visitors."
    )
    display_name: str
    role: Role | None = Field(description="Null for visitors of a public link, who see no roles.")
    custom_role_id: Id | None = Field(description=CUSTOM)
    removed_at: datetime | None
    merged_into_id: Id | None = Field(description="Who a placeholder turned out to be.")

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        type="person",
        user_id=OTHER_ID,
        display_name="Colin Clark",
        role="member",
        custom_role_id=None,
        removed_at=None,
        merged_into_id=None,
    )
