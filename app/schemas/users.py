"""Accounts, as their owners see them."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from app.core.errors import FieldCode
from app.models.users import Locale
from app.schemas.auth import NewPassword, Password
from app.schemas.base import ID, OMITTED, TIME, Body, Id, Name, Shown, example, refusal
from app.utils.times import is_time_zone


def _time_zone(name: str) -> str:
    if not is_time_zone(name):
        raise refusal(FieldCode.INVALID_CHOICE)
    return name


Email = Annotated[str, Field(min_length=3, max_length=254)]
TimeZone = Annotated[
    str,
    Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_+/-]+$", description="A name of the IANA's."),
    AfterValidator(_time_zone),
]
Language = Annotated[Locale | None, Field(description="Of mails; null for what the browser asks for.")]


class UserRead(Shown):
    id: Id
    email: str
    display_name: str
    time_zone: str
    locale: Language
    avatar_version: str | None = Field(description="Changes with the picture; null where there is none.")
    created_at: datetime
    updated_at: datetime

    model_config = Shown.model_config | example(
        id=ID,
        email="justin@fluid.example",
        display_name="Justin Obara",
        time_zone="America/Toronto",
        locale="en",
        avatar_version="5b2f0d6c1e9a4c3f8d7e6b5a",
        created_at=TIME,
        updated_at=TIME,
    )


class UserPatch(Body):
    display_name: Name = OMITTED
    time_zone: TimeZone = OMITTED
    locale: Language = None

    model_config = Body.model_config | example(display_name="Justin Obara", time_zone="America/Toronto")


class PasswordUpdate(Body):
    current_password: Password = Field(
        OMITTED, description="Needed unless the account has no password yet, as its owner logs in elsewhere."
    )
    password: NewPassword

    model_config = Body.model_config | example(
        current_password="correct-horse-battery", password="staple-correct-horse"
    )
