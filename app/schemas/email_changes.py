"""Changes of an account's address."""

from app.schemas.auth import Token
from app.schemas.base import Body, example
from app.schemas.users import Email


class EmailChangeCreate(Body):
    email: Email

    model_config = Body.model_config | example(email="heidi@idrc.example")


class EmailChangeConfirm(Body):
    token: Token

    model_config = Body.model_config | example(token="pQ7uV4wX1yZ0aBcJx3vQ2c9oJmY1n0Yk6dJw2mB8cT5")
