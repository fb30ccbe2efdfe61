"""Public links to projects, and visits through them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.models.links import LinkRole
from app.schemas.base import KEPT, OMITTED, OTHER_ID, Body, Id, Instant, Kept, Name, NewId, Shown, example

LinkPassword = Annotated[str, Field(min_length=4, max_length=128)]
TOKEN = "pastis_lnk_0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01.Jx3vQ2c9oJmY1n0Yk6dJw2mB8cT5rQ7uV4wX1yZ0aBc"
END = "When it stops; null for never."


class LinkCreate(Body):
    id: NewId = None
    name: Annotated[Name, Field(description="What its visitors' comments are signed with.")]
    role: LinkRole
    password: LinkPassword | None = Field(None, description="Asked of whoever opens it; null for none.")
    expires_at: Instant | None = Field(None, description=END)

    model_config = Body.model_config | example(name="Beta testers", role="commenter", password=None)


class LinkPatch(Body):
    name: Name = OMITTED
    role: LinkRole = OMITTED
    password: LinkPassword | None = Field(OMITTED, description="Null takes it away. All visits end.")
    expires_at: Instant | None = Field(OMITTED, description=END)

    model_config = Body.model_config | example(role="viewer")


class LinkRead(Kept):
    workspace_id: Id
    project_id: Id
    membership_id: Id = Field(description="In whose name its visitors write.")
    name: str
    role: LinkRole
    has_password: bool
    expires_at: datetime | None
    token: str = Field(description="What opens it: to be passed on behind the `#` of an address.")

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        project_id=OTHER_ID,
        membership_id=OTHER_ID,
        name="Beta testers",
        role="commenter",
        has_password=False,
        expires_at=None,
        token=TOKEN,
    )


class VisitCreate(Body):
    token: Annotated[str, Field(min_length=1, max_length=200, description="The link's.")]
    password: Annotated[str, Field(min_length=1, max_length=128)] | None = None

    model_config = Body.model_config | example(token=TOKEN)


class VisitRead(Shown):
    access_token: str
    token_type: str
    expires_in: int = Field(description="Seconds.")
    workspace_id: Id
    project_id: Id
    membership_id: Id = Field(description="In whose name the visitor writes.")
    role: LinkRole

    model_config = Shown.model_config | example(
        access_token="pastis_vst_63ULtX9YpQranHuHWfkBewUumH2w0d8gb2848FGVvU4",
        token_type="bearer",
        expires_in=43200,
        workspace_id=OTHER_ID,
        project_id=OTHER_ID,
        membership_id=OTHER_ID,
        role="commenter",
    )
