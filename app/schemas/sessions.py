"""Logins, as their owners see them: one a device."""

from datetime import datetime

from pydantic import Field

from app.schemas.base import ID, TIME, Id, Shown, example


class SessionRead(Shown):
    id: Id
    current: bool = Field(description="Whether this request came with it.")
    device: str = Field(description="The browser and the system, as far as the user agent tells them.")
    client: str = Field(description="The user agent of the login.")
    address: str = Field(description="The network address that the login came from.")
    last_address: str = Field(description="Where it was last used.")
    last_seen_at: datetime = Field(description="When it was last used, to the minute or two.")
    remember_me: bool
    methods: list[str] = Field(description="How it was proven who this is, as RFC 8176 names it.")
    authenticated_at: datetime | None = Field(description="When it was proven last.")
    created_at: datetime
    expires_at: datetime

    model_config = Shown.model_config | example(
        id=ID,
        current=True,
        device="Firefox on Linux",
        client="Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        address="192.0.2.17",
        last_address="192.0.2.17",
        last_seen_at=TIME,
        remember_me=True,
        methods=["pwd"],
        authenticated_at=TIME,
        created_at=TIME,
        expires_at=TIME,
    )


class SessionList(Shown):
    items: list[SessionRead]

    model_config = Shown.model_config | example(
        items=[SessionRead.model_config["json_schema_extra"]["examples"][0]]  # type: ignore[index] # our own example
    )
