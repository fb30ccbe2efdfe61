"""Passkeys, by WebAuthn Level 3: discoverable, with the user verified by the device, without attestation."""

from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json_dict,
    parse_client_data_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError, already_exists, not_found
from app.core.logging import get_logger
from app.core.security import new_token, token_hash
from app.models.passkeys import Passkey, PasskeyChallenge
from app.schemas.passkeys import Assertion, Attestation
from app.services.access import AccountPrincipal
from app.services.passkeys import queries, rules
from app.utils.ids import new_id

TIMEOUT_MS = int(rules.CHALLENGE_LIFE.total_seconds() * 1000)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Used:
    """Whose passkey was used, and what that proves (RFC 8176)."""

    user_id: str
    methods: tuple[str, ...]


class PasskeyEngine:
    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rp_id = rules.relying_party(settings.public_url)
        self._origins = rules.origins(settings.public_url, settings.cors_origins)

    async def creation_options(self, principal: AccountPrincipal) -> Doc:
        """What a browser's `navigator.credentials.create()` is given."""
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name="Pastis",
            user_id=principal.user_id.encode(),
            user_name=principal.email,
            user_display_name=principal.display_name,
            challenge=await self._new_challenge(principal.user_id),
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[_descriptor(one) for one in await self.list_of(principal.user_id)],
        )
        return options_to_json_dict(options)

    async def request_options(self) -> Doc:
        """What a browser's `navigator.credentials.get()` is given; whose passkey it is, its use tells."""
        options = generate_authentication_options(
            rp_id=self._rp_id,
            challenge=await self._new_challenge(None),
            timeout=TIMEOUT_MS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)

    async def register(self, user_id: str, name: str, credential: Attestation) -> Passkey:
        """Raises `invalid_factor`, `already_exists` or `limit_reached`."""
        if len(await self.list_of(user_id)) >= rules.MAX_PASSKEYS:
            raise PastisError(ErrorCode.LIMIT_REACHED, kind="passkey", limit=rules.MAX_PASSKEYS)
        challenge = await self._take_challenge(credential.response.client_data_json, user_id)
        try:
            verified = verify_registration_response(
                credential=credential.plain(),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origins,
                require_user_verification=True,
            )
        except Exception as error:  # what the library's parsers raise for hostile bytes is not told
            raise PastisError(ErrorCode.INVALID_FACTOR) from error
        passkey = Passkey(
            id=new_id(),
            user_id=user_id,
            name=name,
            credential_id=bytes_to_base64url(verified.credential_id),
            public_key=bytes_to_base64url(verified.credential_public_key),
            sign_count=verified.sign_count,
            synced=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            transports=list(credential.response.transports),
            created_at=self._clock.now(),
        )
        if not await queries.insert(self._database, passkey):
            raise already_exists("passkey", "credential")
        return passkey

    async def use(self, credential: Assertion) -> Used:
        """Verify the use of a passkey; raises `invalid_factor`."""
        challenge = await self._take_challenge(credential.response.client_data_json, None)
        passkey = await queries.find_by_credential(self._database, credential.id)
        if passkey is None or _user_handle(credential) != passkey.user_id.encode():
            raise PastisError(ErrorCode.INVALID_FACTOR)
        sign_count = self._verify(credential, challenge, passkey)
        now = self._clock.now()
        if rules.is_clone(passkey.sign_count, sign_count):
            logger.warning("a passkey's counter went backwards: there may be a copy", passkey=passkey.id)
            await queries.update(self._database, passkey.user_id, passkey.id, {"clone_suspected_at": now})
            raise PastisError(ErrorCode.INVALID_FACTOR)
        if not await queries.count_use(self._database, passkey, sign_count, now):
            raise PastisError(ErrorCode.INVALID_FACTOR)
        return Used(passkey.user_id, rules.methods(synced=passkey.synced))

    def _verify(self, credential: Assertion, challenge: bytes, passkey: Passkey) -> int:
        """The authenticator's counter, signed by it."""
        try:
            verified = verify_authentication_response(
                credential=credential.plain(),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origins,
                credential_public_key=base64url_to_bytes(passkey.public_key),
                # The library would judge the counter before the signature, so that anybody could raise alarm.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except Exception as error:  # as above
            raise PastisError(ErrorCode.INVALID_FACTOR) from error
        return verified.new_sign_count

    async def list_of(self, user_id: str) -> list[Passkey]:
        return await queries.list_of_user(self._database, user_id)

    async def any_of(self, user_id: str) -> bool:
        return await queries.any_of_user(self._database, user_id)

    async def get(self, user_id: str, passkey_id: str) -> Passkey:
        passkey = await queries.find(self._database, user_id, passkey_id)
        if passkey is None:
            raise not_found("passkey")
        return passkey

    async def rename(self, user_id: str, passkey_id: str, changes: dict[str, Any]) -> Passkey:
        if changes:
            await queries.update(self._database, user_id, passkey_id, changes)
        return await self.get(user_id, passkey_id)

    async def remove(self, user_id: str, passkey_id: str) -> None:
        if not await queries.delete(self._database, user_id, passkey_id):
            raise not_found("passkey")

    async def remove_all(self, user_id: str) -> None:
        await queries.delete_of_user(self._database, user_id)

    async def _new_challenge(self, user_id: str | None) -> bytes:
        challenge = new_token()
        expires_at = self._clock.now() + rules.CHALLENGE_LIFE
        kept = PasskeyChallenge(id=token_hash(challenge), user_id=user_id, expires_at=expires_at)
        await queries.insert_challenge(self._database, kept)
        return base64url_to_bytes(challenge)

    async def _take_challenge(self, client_data: str, user_id: str | None) -> bytes:
        """The challenge that was signed, which counts this once; raises `invalid_factor`."""
        try:
            challenge = parse_client_data_json(base64url_to_bytes(client_data)).challenge
        except Exception as error:  # as above
            raise PastisError(ErrorCode.INVALID_FACTOR) from error
        digest = token_hash(bytes_to_base64url(challenge))
        if not await queries.take_challenge(self._database, digest, user_id, self._clock.now()):
            raise PastisError(ErrorCode.INVALID_FACTOR)
        return challenge


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    known = {one.value for one in AuthenticatorTransport}
    return PublicKeyCredentialDescriptor(
        id=base64url_to_bytes(passkey.credential_id),
        transports=[AuthenticatorTransport(one) for one in passkey.transports if one in known],
    )


def _user_handle(credential: Assertion) -> bytes:
    try:
        return base64url_to_bytes(credential.response.user_handle)
    except ValueError:
        return b""
