"""Accounts, as their owners see them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.schemas.base import ID, OMITTED, TIME, Body, Id, Name, Shown, example


class UserRead(Shown):
    id: Id
    email: str
    display_name: str
    created_at: datetime
    updated_at: datetime

    model_config = Shown.model_config | example(
        id=ID,
        email="justin@fluid.example",
        display_name="Justin Obara",
        created_at=TIME,
        updated_at=TIME,
    )


class UserPatch(Body):
    display_name: Name = OMITTED

    model_config = Body.model_config | example(display_name="Justin Obara")


class PasswordUpdate(Body):
    current_password: Annotated[str, Field(min_length=1, max_length=128)]
    password: Annotated[str, Field(min_length=15, max_length=128)]

    model_config = Body.model_config | example(
        current_password="correct-horse-battery", password="staple-correct-horse"
    )
