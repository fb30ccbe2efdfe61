"""Logging in and staying logged in."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.schemas.base import OMITTED, Body, Flag, example

Password = Annotated[str, Field(min_length=1, max_length=128)]
Cookies = Annotated[
    Flag, Field(description="Set the tokens as cookies that no script can read, in the place of the answer.")
]
NewPassword = Annotated[
    str,
    Field(min_length=15, max_length=128, description="Long, and not one that is guessed first."),
]
RememberMe = Annotated[Flag, Field(description="Stay logged in for 30 days rather than 12 hours.")]
Token = Annotated[str, Field(min_length=1, max_length=200)]

DeviceToken = Annotated[
    Token | None,
    Field(description="What an earlier login on this device handed out, unless a cookie has it."),
]


class LoginCreate(Body):
    email: Annotated[str, Field(min_length=3, max_length=254)]
    password: Password
    remember_me: RememberMe = False
    cookies: Cookies = False
    device_token: DeviceToken = None

    model_config = Body.model_config | example(
        email="justin@fluid.example", password="correct-horse-battery", remember_me=True, cookies=False
    )


class RefreshCreate(Body):
    refresh_token: Token = Field(
        OMITTED, description="Without it, the one in the cookie; both at once are refused."
    )

    model_config = Body.model_config | example(refresh_token="Jx3vQ2c9oJmY1n0Yk6dJw2mB8cT5rQ7uV4wX1yZ0aBc")


class TokensRead(BaseModel):
    access_token: str | None = Field(description="Null where it was set as a cookie.")
    refresh_token: str | None = Field(description="Null where it was set as a cookie.")
    token_type: Literal["bearer", "cookie"]
    expires_in: int = Field(description="Seconds until the access token ends.")
    device_token: str | None = Field(
        None,
        description="From a login: keep it beyond logging out, send it with the next login on this device, "
        "which then cannot be kept out by the failures of others.",
    )

    model_config = example(
        access_token="pQ7uV4wX1yZ0aBcJx3vQ2c9oJmY1n0Yk6dJw2mB8cT5",
        refresh_token="Jx3vQ2c9oJmY1n0Yk6dJw2mB8cT5rQ7uV4wX1yZ0aBc",
        token_type="bearer",
        expires_in=900,
        device_token="8sKq0Jv1bT4nXw7yZ2cE5g.uT3wX6zA9bC2dE5fG8hJ1kL4mN7pQ0rS3tU6vW9xY2z",
    )
