"""ID tokens: whether one was made by this provider, for us, for this very login. Pure."""

import base64
import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Signatures that only the provider can make: never `none`, nor HS*, whose key clients have."""
LEEWAY_SECONDS = 60
MAX_KEYS = 100
MAX_SUBJECT = 255
_DIGESTS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class TokenRefused(Exception):  # noqa: N818 - it says what happened
    """The ID token proves nothing; the text says why, for the log."""


class UnknownKey(TokenRefused):
    """It is signed with a key that is not among those known."""


def read_keys(document: Any) -> KeySet:
    """The public keys of a JWKS; those that we cannot use are left out. Raises ValueError for no JWKS."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no key set")  # noqa: TRY004 - of what another server says
    keys: list[Key] = []
    for entry in entries[:MAX_KEYS]:
        try:
            key = import_key(entry)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey) and not key.is_private:
            keys.append(key)
    return KeySet(keys)


def verify(
    token: str,
    keys: KeySet,
    *,
    algorithms: Collection[str],
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
    now: datetime,
) -> Mapping[str, Any]:
    """The claims of an ID token that holds (OpenID Connect Core, 3.1.3.7); raises TokenRefused."""
    usable = ALGORITHMS & set(algorithms)
    if not usable:  # the library takes none named for all that it recommends, HS256 among them
        raise TokenRefused("no algorithm that we take")
    # Headers that we do not know say nothing that we rely on; those that must be understood are in `crit`.
    registry = JWSRegistry(algorithms=sorted(usable), strict_check_header=False)
    try:
        decoded = jwt.decode(token, keys, registry=registry)
        _check_claims(decoded.claims, issuer, client_id, now)
    except InvalidKeyIdError:
        raise UnknownKey("signed with an unknown key") from None
    except ClaimError as error:
        raise TokenRefused(f"{error.error}: {error.claim}") from None
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise TokenRefused(type(error).__name__) from None
    if decoded.claims.get("nonce") != nonce:
        raise TokenRefused("nonce")
    _check_parties(decoded.claims, client_id)
    _check_access_token(decoded, access_token)
    return decoded.claims


def _check_claims(claims: dict[str, Any], issuer: str, client_id: str, now: datetime) -> None:
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    registry.validate(claims)


def _check_parties(claims: Mapping[str, Any], client_id: str) -> None:
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise TokenRefused("azp")
    if len(claims["sub"]) > MAX_SUBJECT:
        raise TokenRefused("sub")


def _check_access_token(decoded: jwt.Token, access_token: str | None) -> None:
    """Hold the access token to `at_hash` where there is one: what it gives then belongs to this login."""
    claimed = decoded.claims.get("at_hash")
    if claimed is None:
        return
    digest = _DIGESTS.get(decoded.header["alg"][-3:], hashlib.sha512)((access_token or "").encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if claimed != half:
        raise TokenRefused("at_hash")
