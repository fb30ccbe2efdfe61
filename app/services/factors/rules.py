"""When a second factor is needed, and which codes count. Pure."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import pyotp
from pyotp.exceptions import OTPVerificationError

from app.models.factors import FactorSet
from app.services.access.rules import is_multi_factor

CHALLENGE_LIFE = timedelta(minutes=5)
ATTEMPTS = 5
"""Answers to one challenge: with three codes that count, one in 67,000 to guess right."""
PENDING_LIFE = timedelta(minutes=10)
"""How long a new secret waits for its first code."""
RECOVERY_CODES = 10
CODE = ("otp", "mfa")
"""What a code proves beside what went before, as RFC 8176 names it."""
ISSUER = "Pastis"


def kinds(factors: FactorSet | None, *, passkeys: bool) -> list[str]:
    """The second factors of an account; recovery codes only stand in for others."""
    totp = factors is not None and factors.totp is not None
    found = [*(["totp"] if totp else []), *(["passkey"] if passkeys else [])]
    return [*found, "recovery_code"] if found and factors is not None and factors.recovery_hashes else found


def is_needed(methods: Sequence[str], owned: Sequence[str]) -> bool:
    """Whether a login that was proven in these ways still needs a second factor."""
    return bool(owned) and not is_multi_factor(methods)


def totp_uri(secret: str, email: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is: the present one, the one before or the one after."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=1)
    except OTPVerificationError:
        return None


def is_pending(factors: FactorSet | None, now: datetime) -> bool:
    """Whether a secret waits for its first code."""
    return (
        factors is not None
        and factors.pending_since is not None
        and now - factors.pending_since <= PENDING_LIFE
    )


def recovery_hash(code: str) -> str:
    """How a recovery code is kept: a plain hash, which suffices for 80 random bits."""
    return hashlib.sha256(code.replace("-", "").replace(" ", "").lower().encode()).hexdigest()


def password_digest(password_hash: str | None) -> str:
    """Changes with the password, and is not its hash."""
    return hashlib.sha256((password_hash or "").encode()).hexdigest()
