"""Tokens by which an account knows a device again, without keeping anything. Pure.

A random name, and an HMAC of it and the account with the server's secret. It proves that this device has
logged in to this account before, and nothing else.
"""

import hmac
import secrets
from collections.abc import Sequence

from app.core.security import derive_token

_NAME_BYTES = 16


def issue(secret: bytes, account: str) -> str:
    name = secrets.token_urlsafe(_NAME_BYTES)
    return f"{name}.{_proof(secret, account, name)}"


def read(known_secrets: Sequence[bytes], account: str, token: str) -> str | None:
    """The device's name; None where the token is not of this account, or not ours."""
    name, _, proof = token.partition(".")
    given = proof.encode(errors="replace")
    for secret in known_secrets:
        if hmac.compare_digest(given, _proof(secret, account, name).encode()):
            return name
    return None


def _proof(secret: bytes, account: str, name: str) -> str:
    return derive_token(secret, f"device:{account}", name)
