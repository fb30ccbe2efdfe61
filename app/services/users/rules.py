"""What an account may look like. Pure."""

import re

import email_validator
from email_validator import EmailNotValidError, validate_email

from app.core.common_passwords import is_common, is_made_of
from app.core.errors import FieldCode, invalid
from app.models.users import User

# A team's own mail server need not be on the public internet; the library's way to say so is its list.
for _domain in ("local", "localhost", "test"):
    if _domain in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_domain)

PASSWORD_LENGTH = (15, 128)
PRODUCT = "pastis"
KNOWN_LENGTH = 4


def normal_email(text: str) -> str:
    """The address as it is kept and compared; raises `validation_failed` where it is none."""
    try:
        return validate_email(text, check_deliverability=False, globally_deliverable=False).normalized.lower()
    except EmailNotValidError:
        raise invalid("/email", FieldCode.INVALID_FORMAT) from None


def check_password(password: str, email: str) -> None:
    """Length is what counts (OWASP ASVS 5.0, 6.2): no rules of composition, but none that all try first.

    Nor what is known of this account: its address, and the name of this program (NIST SP 800-63B).
    """
    low, high = PASSWORD_LENGTH
    if len(password) < low:
        raise invalid("/password", FieldCode.TOO_SHORT, limit=low)
    if len(password) > high:
        raise invalid("/password", FieldCode.TOO_LONG, limit=high)
    if is_common(password):
        raise invalid("/password", FieldCode.COMMON_PASSWORD)
    if is_made_of(password, _known_words(email)):
        raise invalid("/password", FieldCode.COMMON_PASSWORD, reason="own_name")


def _known_words(email: str) -> list[str]:
    """Short ones are in too many other words."""
    local, _, domain = email.rpartition("@")
    return [one for one in (PRODUCT, local, domain, *re.split(r"[^\w]+", email)) if len(one) >= KNOWN_LENGTH]


def may_reset(user: User) -> bool:
    """Whether mail is enough to set a password: not for who has none, whose provider lets them in."""
    return user.active and user.password_hash is not None
