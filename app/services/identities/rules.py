"""What a proof leads to: an account, roles, and whether a second factor was asked for. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from app.core.errors import FieldCode, PastisError, invalid
from app.core.oidc_settings import GroupRole, IdentityPolicy, OidcProvider
from app.models.memberships import Role
from app.services.access.rules import MULTI_FACTOR, may_manage
from app.services.identities.sources import Proof
from app.services.users.rules import normal_email
from app.utils.text import mend_line

FEDERATED = "fed"
_STRONG = frozenset({"mfa", "otp", "hwk", "swk", "sms", "tel", "sc", "fpt", "face", "iris", "retina", "vbm"})
"""Methods of RFC 8176 that a password alone is not."""
NAME_LENGTH = 100
GROUPS = 1000


def login_methods(claims: Mapping[str, Any], mfa_acr: Collection[str]) -> tuple[str, ...]:
    """How the provider proved who this is; with `mfa` only where it says that it asked for more."""
    amr = claims.get("amr")
    named = {one for one in amr if isinstance(one, str)} if isinstance(amr, list) else set()
    asked = bool(named & _STRONG) or claims.get("acr") in mfa_acr
    return (FEDERATED, MULTI_FACTOR) if asked else (FEDERATED,)


def proof_of(claims: Mapping[str, Any], provider: OidcProvider) -> Proof:
    """What the checked claims of a provider say; what is no text, or too long, is not said at all."""
    name = _text(claims.get("name"), NAME_LENGTH) or _text(claims.get("preferred_username"), NAME_LENGTH)
    return Proof(
        issuer=provider.issuer,
        subject=claims["sub"],
        email=_email(claims.get("email")),
        email_verified=claims.get("email_verified") is True or provider.trust_email,
        display_name=name,
        groups=_groups(claims.get(provider.groups_claim)),
        methods=login_methods(claims, provider.mfa_acr),
    )


def _text(value: Any, limit: int) -> str | None:
    text = mend_line(value) if isinstance(value, str) else None
    return text if text is not None and len(text) <= limit else None


def _email(value: Any) -> str | None:
    try:
        return normal_email(value) if isinstance(value, str) else None
    except PastisError:
        return None


def _groups(value: Any) -> frozenset[str]:
    """A list of names; some providers write a single one without the list."""
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(one for one in values[:GROUPS] if isinstance(one, str))


def may_create(policy: IdentityPolicy, proof: Proof) -> bool:
    """Whether somebody who is new gets an account: never for an address that nobody has verified."""
    if not policy.create_accounts or proof.email is None or not proof.email_verified:
        return False
    domain = proof.email.rpartition("@")[2]
    return not policy.allowed_domains or domain in policy.allowed_domains


def name_of(proof: Proof) -> str:
    """What to call somebody who is new."""
    return proof.display_name or (proof.email or proof.subject).partition("@")[0][:NAME_LENGTH]


def roles_of(groups: Collection[str], mapping: Iterable[GroupRole]) -> dict[str, Role]:
    """The role for each workspace that the groups give; of several, the one that may most."""
    roles: dict[str, Role] = {}
    for one in mapping:
        role = Role(one.role)
        if one.group in groups and may_manage(role, roles.get(one.workspace, role)):
            roles[one.workspace] = role
    return roles


def check_return(address: str, origins: Iterable[str]) -> None:
    """Raises `validation_failed` unless a provider may send people back to this address.

    Only to our own front ends, and with no fragment (RFC 6749, 3.1.2). A query stays: the provider adds
    to it.
    """
    ours = {one: origin for one in origins if (origin := _origin(one)) is not None}
    if _origin(address) not in ours.values():
        raise invalid("/redirect_uri", FieldCode.REFUSED, reason="foreign_address", choices=", ".join(ours))
    if "#" in address:
        raise invalid("/redirect_uri", FieldCode.REFUSED, reason="fragment")


def _origin(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or parts.scheme not in {"http", "https"}:
        return None
    return parts.scheme, f"{parts.hostname}:{port}"
