"""Password resets: who has forgotten theirs, and the new one."""

from app.schemas.auth import NewPassword, Token
from app.schemas.base import Body, example
from app.schemas.users import Email


class PasswordResetCreate(Body):
    email: Email

    model_config = Body.model_config | example(email="heidi@fluid.example")


class PasswordResetConfirm(Body):
    token: Token
    password: NewPassword

    model_config = Body.model_config | example(
        token="pQ7uV4wX1yZ0aBcJx3vQ2c9oJmY1n0Yk6dJw2mB8cT5", password="staple-correct-horse"
    )
