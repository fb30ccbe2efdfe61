"""API tokens, as those see them who look after them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app.schemas.base import ID, OMITTED, TIME, Body, Id, Instant, Name, Shown, distinct, example

Scope = Annotated[str, Field(max_length=60, pattern=r"^(\*|[a-z]+):(\*|[a-z]+)$")]
"""A permission, or `*` in the place of its resource, its action or both."""
SCOPES = "What it may be used for, as `resource:action`; `*` stands for any resource or any action."
TOKEN: dict[str, Any] = {
    "id": ID,
    "name": "Nightly report",
    "hint": "q3Xw",
    "scopes": ["task:read", "comment:*"],
    "last_used_at": TIME,
    "last_address": "192.0.2.17",
    "created_at": TIME,
    "expires_at": "2027-02-21T09:30:00.194Z",
}


class TokenCreate(Body):
    name: Name
    scopes: Annotated[
        list[Scope], Field(min_length=1, max_length=100, description=SCOPES), AfterValidator(distinct)
    ]
    expires_at: Instant | None = Field(
        OMITTED, description="Left out, in 90 days; null for a token that does not end by itself."
    )

    model_config = Body.model_config | example(name="Nightly report", scopes=["task:read", "comment:*"])


class TokenRead(Shown):
    id: Id
    name: str
    hint: str = Field(description="The last characters of its secret.")
    scopes: list[str] = Field(description=SCOPES)
    last_used_at: datetime | None = Field(description="To the minute or two.")
    last_address: str | None = Field(description="The network address that it was last used from.")
    created_at: datetime
    expires_at: datetime | None

    model_config = Shown.model_config | example(**TOKEN)


class TokenCreatedRead(TokenRead):
    token: str = Field(description="The secret: a bearer token. Shown only now.")

    model_config = Shown.model_config | example(
        **TOKEN, token="pastis_pat_Jx3vQ2c9oJmY1n0Yk6dJw2mB8cT5rQ7uV4wX1yZq3Xw"
    )


class TokenList(Shown):
    items: list[TokenRead]

    model_config = Shown.model_config | example(items=[TOKEN])
