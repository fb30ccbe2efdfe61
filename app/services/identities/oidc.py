"""OpenID Connect as an identity source: discovery, the way to the provider, and what comes back from it."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError, field_validator

from app.core.clock import Clock
from app.core.errors import ErrorCode, PastisError
from app.core.logging import get_logger
from app.core.oidc_settings import OidcProvider, is_secure
from app.core.outbound import Outbound, OutboundError
from app.services.identities import id_tokens, rules
from app.services.identities.id_tokens import TokenRefused, UnknownKey
from app.services.identities.sources import Proof

KEPT_SECONDS = 3600.0
"""How long a discovery document and keys are used before they are read again."""
PAUSE_SECONDS = 5.0
"""How long a provider that fails is not asked again, and keys are not read again for an unknown one."""

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")

logger = get_logger(__name__)


class Metadata(BaseModel):
    """What we need of a discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    id_token_signing_alg_values_supported: list[str] = ["RS256"]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False

    @field_validator(*_ENDPOINTS)
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("no web address")
        return value


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a login sends along and must find again: made from a secret that the provider never sees."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class OidcSource:
    """One provider. Its documents are kept for an hour; while it fails, it is asked once in five seconds."""

    def __init__(self, provider: OidcProvider, outbound: Outbound, clock: Clock) -> None:
        self.provider = provider
        self._outbound = outbound
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: tuple[Metadata, KeySet] | None = None
        self._fresh_until = 0.0
        self._paused_until = 0.0

    async def authorization_url(self, attempt: Attempt) -> str:
        """Where to send somebody to log in; raises `identity_provider_unavailable`."""
        metadata, _ = await self._documents()
        digest = hashlib.sha256(attempt.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": " ".join(self.provider.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"

    async def prove(self, code: str, attempt: Attempt, issuer: str | None) -> Proof:
        """What the code proves. `issuer` is the `iss` that came with it (RFC 9207).

        Raises `identity_refused` for what proves nothing, and `identity_provider_unavailable`.
        """
        metadata, _ = await self._documents()
        expected = metadata.authorization_response_iss_parameter_supported or issuer is not None
        if expected and issuer != self.provider.issuer:
            raise self._refused("the answer is of another issuer")
        tokens = await self._exchange(metadata, code, attempt)
        try:
            claims = await self._verified(metadata, tokens, attempt.nonce)
        except TokenRefused as error:
            raise self._refused(str(error)) from None
        return rules.proof_of(await self._completed(metadata, tokens, claims), self.provider)

    async def _exchange(self, metadata: Metadata, code: str, attempt: Attempt) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = self._authenticate(metadata, form)
        status, answer = await self._ask("POST", metadata.token_endpoint, form=form, headers=headers)
        if not isinstance(answer, dict):
            raise self._unavailable("the answer of the token endpoint is no object")
        if status >= 400:
            if answer.get("error") == "invalid_grant":
                raise self._refused("the provider refuses the code")
            raise self._unavailable(f"the token endpoint answers {status} {str(answer.get('error'))[:100]}")
        return answer

    def _authenticate(self, metadata: Metadata, form: dict[str, str]) -> dict[str, str]:
        """Say who we are, in the form or in a header (RFC 6749, 2.3.1)."""
        secret = self.provider.client_secret
        methods = metadata.token_endpoint_auth_methods_supported
        if secret is not None and ("client_secret_basic" in methods or "client_secret_post" not in methods):
            pair = ":".join(quote(one, "") for one in (self.provider.client_id, secret.get_secret_value()))
            return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        form["client_id"] = self.provider.client_id
        if secret is not None:
            form["client_secret"] = secret.get_secret_value()
        return {}

    async def _verified(self, metadata: Metadata, tokens: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The claims of the ID token; the keys are read again where it is signed with a new one."""
        try:
            return self._verify(metadata, tokens, nonce)
        except UnknownKey:
            await self._read_keys_again()
            return self._verify(metadata, tokens, nonce)

    def _verify(self, metadata: Metadata, tokens: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str) or self._known is None:
            raise TokenRefused("no ID token")
        return id_tokens.verify(
            id_token,
            self._known[1],
            algorithms=metadata.id_token_signing_alg_values_supported,
            issuer=self.provider.issuer,
            client_id=self.provider.client_id,
            nonce=nonce,
            access_token=access_token if isinstance(access_token, str) else None,
            now=self._clock.now(),
        )

    async def _completed(
        self, metadata: Metadata, tokens: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The claims with what the provider only tells at its userinfo endpoint."""
        wanted = {"email", self.provider.groups_claim} if self.provider.group_roles else {"email"}
        access_token = tokens.get("access_token")
        if metadata.userinfo_endpoint is None or wanted <= claims.keys() or not isinstance(access_token, str):
            return claims
        headers = {"authorization": f"Bearer {access_token}"}
        status, more = await self._ask("GET", metadata.userinfo_endpoint, headers=headers)
        if status >= 400 or not isinstance(more, dict):
            raise self._unavailable(f"the userinfo endpoint answers {status}")
        if more.get("sub") != claims["sub"]:
            raise self._refused("userinfo is of somebody else")
        # An address and whether it is verified belong together: never one from here and one from there.
        told = {name for name in claims if name != "email_verified" or "email" in claims}
        return {**more, **{name: claims[name] for name in told}}

    async def _documents(self) -> tuple[Metadata, KeySet]:
        async with self._lock:
            if self._known is None or monotonic() > self._fresh_until:
                await self._read()
            return cast("tuple[Metadata, KeySet]", self._known)

    async def _read_keys_again(self) -> None:
        async with self._lock:
            if monotonic() > self._fresh_until - KEPT_SECONDS + PAUSE_SECONDS:
                await self._read()

    async def _read(self) -> None:
        """Discovery and keys, together; whoever asks while the provider fails is told so at once."""
        if monotonic() < self._paused_until:
            raise PastisError(ErrorCode.IDENTITY_PROVIDER_UNAVAILABLE, headers=_retry())
        try:
            self._known = await self._discover()
        except PastisError:
            self._paused_until = monotonic() + PAUSE_SECONDS
            raise
        self._fresh_until = monotonic() + KEPT_SECONDS

    async def _discover(self) -> tuple[Metadata, KeySet]:
        address = f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = self._read_metadata(await self._document(address))
        try:
            return metadata, id_tokens.read_keys(await self._document(metadata.jwks_uri))
        except ValueError as error:
            raise self._unavailable(str(error)) from None

    def _read_metadata(self, document: Any) -> Metadata:
        try:
            metadata = Metadata.model_validate(document)
        except ValidationError as error:
            wrong = ", ".join(str(one["loc"]) for one in error.errors())
            raise self._unavailable(f"the discovery document lacks or misstates {wrong}") from None
        if metadata.issuer != self.provider.issuer:
            raise self._unavailable("the discovery document is of another issuer")
        endpoints = [getattr(metadata, name) for name in _ENDPOINTS]
        if not self.provider.insecure and not all(is_secure(one) for one in endpoints if one is not None):
            raise self._unavailable("the discovery document names an address without HTTPS")
        return metadata

    async def _document(self, address: str) -> Any:
        status, document = await self._ask("GET", address)
        if status >= 400:
            raise self._unavailable(f"{urlsplit(address).path} answers {status}")
        return document

    async def _ask(self, method: str, address: str, **options: Any) -> tuple[int, Any]:
        try:
            return await self._outbound.ask(method, address, **options)
        except OutboundError as error:
            raise self._unavailable(str(error)) from None

    def _unavailable(self, why: str) -> PastisError:
        logger.warning("an identity provider fails", provider=self.provider.id, reason=why)
        return PastisError(ErrorCode.IDENTITY_PROVIDER_UNAVAILABLE, headers=_retry())

    def _refused(self, why: str) -> PastisError:
        logger.warning("an identity is refused", provider=self.provider.id, reason=why)
        return PastisError(ErrorCode.IDENTITY_REFUSED)


def _retry() -> dict[str, str]:
    return {"Retry-After": str(int(PAUSE_SECONDS))}
