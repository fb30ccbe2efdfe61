"""Invitations into a workspace: made by its admins, looked at and accepted by those who have the token."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.models.memberships import Role
from app.models.users import Locale
from app.schemas.auth import Token
from app.schemas.base import KEPT, OTHER_ID, TIME, Body, Id, Kept, NewId, Shown, example
from app.schemas.memberships import CUSTOM
from app.schemas.users import Email

PLACEHOLDER = "A placeholder, who whoever accepts becomes; null for somebody new."
USES = "How many accounts may accept it; 1 where it is mailed or names a placeholder."
BOUND = "The only address whose account may accept; null for a link that any account may."
_TOKEN = "pQ7uV4wX1yZ0aBcJx3vQ2c9oJmY1n0Yk6dJw2mB8cT5"
_MAILED: dict[str, Any] = {
    **KEPT,
    "workspace_id": OTHER_ID,
    "email": "heidi@fluid.example",
    "role": "member",
    "custom_role_id": None,
    "membership_id": None,
    "invited_by": OTHER_ID,
    "max_uses": 1,
    "uses": 0,
    "expires_at": "2026-11-30T09:30:00.194Z",
    "sent_at": TIME,
}


class InvitationCreate(Body):
    """With `email`, a mail; without, a link to be passed on."""

    id: NewId = None
    email: Email | None = Field(None, description=BOUND)
    role: Role = Role.MEMBER
    custom_role_id: Id | None = Field(None, description=CUSTOM)
    membership_id: Id | None = Field(None, description=PLACEHOLDER)
    expires_in_days: Annotated[int, Field(strict=True, ge=1, le=90)] = 7
    max_uses: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = Field(
        None, description=f"{USES} Else 50 if null."
    )
    locale: Locale | None = Field(None, description="Of the mail; else what `Accept-Language` likes best.")

    model_config = Body.model_config | example(email="heidi@fluid.example", role="member", locale="en")


class InvitationRead(Kept):
    workspace_id: Id
    email: str | None = Field(description=f"{BOUND} Masked when the invitation has expired.")
    role: Role
    custom_role_id: Id | None = Field(description=CUSTOM)
    membership_id: Id | None = Field(description=PLACEHOLDER)
    invited_by: Id = Field(description="The membership that made it.")
    max_uses: int = Field(description=USES)
    uses: int = Field(description="How many have accepted it.")
    expires_at: datetime
    sent_at: datetime | None = Field(description="When it was mailed last.")

    model_config = Kept.model_config | example(**_MAILED)


class InvitationMade(InvitationRead):
    """What the creation answers."""

    link: str | None = Field(
        description="Shown this once, where it was not mailed; null in an answer that is given again."
    )

    model_config = Kept.model_config | example(
        **_MAILED | {"email": None, "max_uses": 50, "sent_at": None},
        link=f"https://plan.fluid.example/invitations/accept#token={_TOKEN}",
    )


class InvitationToken(Body):
    token: Token

    model_config = Body.model_config | example(token=_TOKEN)


class InvitationPreview(Shown):
    """What somebody is invited to, for who has the token."""

    workspace_id: Id
    workspace_name: str
    role: Role
    invited_by: str = Field(description="The name of who invites.")
    email: str | None = Field(description="The masked address whose account alone may accept.")
    expires_at: datetime

    model_config = Shown.model_config | example(
        workspace_id=OTHER_ID,
        workspace_name="Fluid Project",
        role="member",
        invited_by="Justin Obara",
        email="h***@fluid.example",
        expires_at="2026-11-30T09:30:00.194Z",
    )
