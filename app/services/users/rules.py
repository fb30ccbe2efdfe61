"""What an account may look like. Pure."""

import email_validator
from email_validator import EmailNotValidError, validate_email

from app.core.common_passwords import is_common
from app.core.errors import FieldCode, invalid
from app.models.users import User

# A team's own mail server need not be on the public internet; the library's way to say so is its list.
for _domain in ("local", "localhost", "test"):
    if _domain in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_domain)

PASSWORD_LENGTH = (15, 128)


def normal_email(text: str) -> str:
    """The address as it is kept and compared; raises `validation_failed` where it is none."""
    try:
        return validate_email(text, check_deliverability=False, globally_deliverable=False).normalized.lower()
    except EmailNotValidError:
        raise invalid("/email", FieldCode.INVALID_FORMAT) from None


def check_password(password: str) -> None:
    """Length is what counts (OWASP ASVS 5.0, 6.2): no rules of composition, but none that all try first."""
    low, high = PASSWORD_LENGTH
    if len(password) < low:
        raise invalid("/password", FieldCode.TOO_SHORT, limit=low)
    if len(password) > high:
        raise invalid("/password", FieldCode.TOO_LONG, limit=high)
    if is_common(password):
        raise invalid("/password", FieldCode.COMMON_PASSWORD)


def may_reset(user: User) -> bool:
    """Whether mail is enough to set a password: not for who has none, whose provider lets them in."""
    return user.active and user.password_hash is not None
