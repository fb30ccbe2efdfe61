"""Whose passkeys these are, and what their use proves. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

CHALLENGE_LIFE = timedelta(minutes=5)
MAX_PASSKEYS = 20

_DEFAULT_PORTS = {"http": 80, "https": 443}


def relying_party(public_url: str) -> str:
    """The host that passkeys are bound to; another host cannot ask for them."""
    return urlsplit(public_url).hostname or ""


def origins(public_url: str, cors_origins: Sequence[str]) -> list[str]:
    """The pages that may use passkeys, as browsers name them: lower case, without the usual port."""
    return [origin(one) for one in (public_url, *cors_origins) if "*" not in one]


def origin(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{host.removesuffix(f':{_DEFAULT_PORTS.get(parts.scheme)}')}"


def methods(*, synced: bool) -> tuple[str, ...]:
    """What a passkey proves that has verified its user, as RFC 8176 names it: two factors."""
    return ("swk" if synced else "hwk", "user", "mfa")


def is_clone(known: int, presented: int) -> bool:
    """Whether a counter says that there are two of this authenticator; many always say 0."""
    return max(known, presented) > 0 and presented <= known
