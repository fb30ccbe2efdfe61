"""Workspaces."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.core.errors import FieldCode
from app.schemas.base import ID, KEPT, OMITTED, Block, Body, Flag, Kept, Name, NewId, example
from app.utils.ids import is_id


def _slug(text: str) -> str:
    # A slug stands where an id does, so it must not look like one.
    if is_id(text):
        raise PydanticCustomError(FieldCode.INVALID_FORMAT.value, "{code}", {"code": "invalid_format"})
    return text


Slug = Annotated[
    str, Field(min_length=2, max_length=48, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"), AfterValidator(_slug)
]


class WorkspaceCreate(Body):
    id: NewId = None
    slug: Slug
    name: Name
    description: Block = ""

    model_config = Body.model_config | example(slug="fluid", name="Fluid Project", description="")


class WorkspacePatch(Body):
    slug: Slug = OMITTED
    name: Name = OMITTED
    description: Block = OMITTED
    requires_second_factor: Flag = Field(
        OMITTED,
        description="Keep out logins that were made without a second factor. "
        "Only a login with one may turn it on.",
    )

    model_config = Body.model_config | example(name="Fluid Project")


class WorkspaceRead(Kept):
    slug: str
    name: str
    description: str
    requires_second_factor: bool

    model_config = Kept.model_config | example(
        **{**KEPT, "id": ID},
        slug="fluid",
        name="Fluid Project",
        description="Inclusive design, in the open.",
        requires_second_factor=False,
    )
