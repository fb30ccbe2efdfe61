"""What somebody is told whose password does not prove who they are. Pure."""

from app.core.errors import ErrorCode, PastisError
from app.models.users import User


def wrong_password(user: User, password: str | None) -> PastisError:
    """The refusal for somebody who is logged in, and so may know what is amiss."""
    if user.password_hash is None:
        return PastisError(ErrorCode.INVALID_CREDENTIALS, reason="no_password")
    if password is None:
        return PastisError(ErrorCode.INVALID_CREDENTIALS, reason="password_missing")
    return PastisError(ErrorCode.INVALID_CREDENTIALS, kind="account")
