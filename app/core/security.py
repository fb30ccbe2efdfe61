"""Security primitives: passwords and opaque tokens."""

import base64
import hashlib
import hmac
import secrets

import anyio.to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_MEMORY_KIB, _PASSES, _LANES = 65_536, 3, 4  # RFC 9106, the second recommended option
_PASSWORDS = PasswordHash((Argon2Hasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES),))
# Verified where there is no account, so that an unknown address takes as long as a wrong password. Salt and
# hash are zeros: no password is known to have that one, and making a true one takes each start 70 ms.
_NOBODY = f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}${'A' * 22}${'A' * 43}"


async def hash_password(password: str) -> str:
    """Argon2id with a salt of its own; off the event loop, since it takes tens of milliseconds."""
    return await anyio.to_thread.run_sync(_PASSWORDS.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one hashed; always false, and as slow, without a hash."""
    matches = await anyio.to_thread.run_sync(_PASSWORDS.verify, password, password_hash or _NOBODY)
    return matches and password_hash is not None


def new_password() -> str:
    """A password of 120 random bits for an account that somebody else makes."""
    return "-".join(secrets.token_hex(3) for _ in range(5))


def new_recovery_code() -> str:
    """80 random bits in base32, in groups that people can copy."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def new_token() -> str:
    """256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def derive_token(secret: bytes, purpose: str, token: str) -> str:
    """The one successor of a token for a purpose: HMAC-SHA256, as URL-safe text."""
    digest = hmac.new(secret, f"{purpose}\0{token}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_hash(token: str) -> str:
    """How a token is kept: SHA-256, which suffices for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
