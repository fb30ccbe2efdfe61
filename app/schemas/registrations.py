"""Registrations: who wants an account, and what it shall be."""

from pydantic import Field

from app.models.users import Locale
from app.schemas.auth import Cookies, NewPassword, RememberMe, Token
from app.schemas.base import Body, Name, example
from app.schemas.users import Email, Language, TimeZone


class RegistrationCreate(Body):
    email: Email
    locale: Locale | None = Field(None, description="Of the mail; else what `Accept-Language` likes best.")

    invitation: Token | None = Field(
        None, description="The token of an invitation: needed where only who is invited may register."
    )

    model_config = Body.model_config | example(email="heidi@fluid.example", locale="en")


class RegistrationConfirm(Body):
    token: Token = Field(description="Of the link that was mailed, or of an invitation that was.")
    display_name: Name
    password: NewPassword
    time_zone: TimeZone = "UTC"
    locale: Language = None
    remember_me: RememberMe = False
    cookies: Cookies = False

    model_config = Body.model_config | example(
        token="pQ7uV4wX1yZ0aBcJx3vQ2c9oJmY1n0Yk6dJw2mB8cT5",
        display_name="Heidi Hazelton",
        password="staple-correct-horse",
        time_zone="America/Toronto",
        locale="en",
        remember_me=True,
    )
