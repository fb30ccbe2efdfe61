"""Second factors of accounts: set up, proven, taken away."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pyotp
import segno

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.logging import get_logger
from app.core.sealing import Sealer
from app.core.security import new_recovery_code, new_token, token_hash
from app.models.factors import FactorSet, LoginChallenge
from app.models.passkeys import Passkey
from app.models.users import User
from app.schemas.factors import FactorProof
from app.schemas.passkeys import PasskeyCreate
from app.services.access import AccountPrincipal
from app.services.audit import AuditEngine, AuditKind
from app.services.factors import queries, rules
from app.services.passkeys import PasskeyEngine
from app.services.passkeys.rules import methods as passkey_methods
from app.services.sessions import SessionEngine
from app.services.tokens import TokenEngine

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TotpSecret:
    """What an authenticator app is given."""

    secret: str
    uri: str
    qr_code: str
    """SVG."""


class FactorEngine:
    def __init__(
        self,
        database: Database,
        sessions: SessionEngine,
        tokens: TokenEngine,
        passkeys: PasskeyEngine,
        sealer: Sealer,
        clock: Clock,
        audit: AuditEngine,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._tokens = tokens
        self._passkeys = passkeys
        self._sealer = sealer
        self._clock = clock
        self._audit = audit

    async def kinds(self, user_id: str) -> list[str]:
        """The second factors that an account has."""
        passkeys = await self._passkeys.any_of(user_id)
        return rules.kinds(await queries.find(self._database, user_id), passkeys=passkeys)

    async def shown(self, user_id: str) -> Doc:
        """The second factors as their owner sees them."""
        factors = await queries.find(self._database, user_id) or FactorSet(id=user_id)
        return {
            "totp": None if factors.totp is None else {"created_at": factors.totp_since},
            "passkeys": await self._passkeys.list_of(user_id),
            "recovery_codes_left": len(factors.recovery_hashes),
        }

    async def begin_totp(self, principal: AccountPrincipal) -> TotpSecret:
        """A new secret, which counts from its first code on; until then a former one does."""
        secret = pyotp.random_base32()
        pending = {"pending_totp": self._sealer.seal(secret), "pending_since": self._clock.now()}
        await queries.keep(self._database, principal.user_id, pending)
        uri = rules.totp_uri(secret, principal.email)
        svg = io.BytesIO()
        segno.make_qr(uri).save(
            svg, kind="svg", scale=4, light="white", xmldecl=False, nl=False, svgclass=None, lineclass=None
        )
        return TotpSecret(secret, uri, svg.getvalue().decode())

    async def confirm_totp(self, principal: AccountPrincipal, code: str, *, end_others: bool) -> list[str]:
        """Let the pending secret count, and give new recovery codes.

        Raises `invalid_factor`, or `not_found` where none is pending.
        """
        now = self._clock.now()
        factors = await queries.find(self._database, principal.user_id)
        if factors is None or factors.pending_totp is None or not rules.is_pending(factors, now):
            raise not_found("factor")
        step = self._step(factors.pending_totp, code)
        codes, hashes = _new_recovery_codes()
        changes = {
            "totp": factors.pending_totp,
            "totp_since": now,
            "totp_step": step,
            "pending_totp": None,
            "pending_since": None,
            "recovery_hashes": hashes,
        }
        if step is None or not await queries.activate(
            self._database, principal.user_id, factors.pending_totp, changes
        ):
            raise PastisError(ErrorCode.INVALID_FACTOR)
        await self._added(principal, rules.CODE, end_others=end_others)
        await self._audit.record(AuditKind.FACTOR_ADD, principal.user_id)
        return codes

    async def remove_totp(self, principal: AccountPrincipal) -> None:
        """Take the codes of an app away, and end all other logins; raises `not_found`."""
        if "totp" not in await self.kinds(principal.user_id):
            raise not_found("factor")
        await queries.keep(self._database, principal.user_id, {"totp": None, "totp_since": None})
        await self._without(principal)
        await self._audit.record(AuditKind.FACTOR_REMOVE, principal.user_id)

    async def add_passkey(
        self, principal: AccountPrincipal, data: PasskeyCreate
    ) -> tuple[Passkey, list[str]]:
        """Register a passkey; the first factor of an account brings recovery codes.

        Raises what `PasskeyEngine.register` does.
        """
        passkey = await self._passkeys.register(principal.user_id, data.name, data.credential)
        codes: list[str] = []
        if "recovery_code" not in await self.kinds(principal.user_id):
            codes = await self._hand_out(principal.user_id)
        proven = passkey_methods(synced=passkey.synced)
        await self._added(principal, proven, end_others=data.end_other_logins)
        await self._audit.record(AuditKind.PASSKEY_ADD, principal.user_id, passkey=passkey.id)
        return passkey, codes

    async def remove_passkey(self, principal: AccountPrincipal, passkey_id: str) -> None:
        """Take a passkey away, and end all other logins; raises `not_found`."""
        await self._passkeys.remove(principal.user_id, passkey_id)
        await self._without(principal)
        await self._audit.record(AuditKind.PASSKEY_REMOVE, principal.user_id, passkey=passkey_id)

    async def renew_recovery_codes(self, user_id: str) -> list[str]:
        """New recovery codes in the place of the former; raises `not_found` where there is no factor."""
        if not await self.kinds(user_id):
            raise not_found("factor")
        codes = await self._hand_out(user_id)
        await self._audit.record(AuditKind.RECOVERY_CODES_CREATE, user_id)
        return codes

    async def remove_all(self, user_id: str) -> None:
        await self._passkeys.remove_all(user_id)
        await queries.delete(self._database, user_id)

    async def challenge(self, user: User, methods: Sequence[str], *, remember_me: bool) -> str:
        """Keep a login that still needs a second factor; gives what its client answers with."""
        token = new_token()
        challenge = LoginChallenge(
            id=token_hash(token),
            user_id=user.id,
            password_digest=rules.password_digest(user.password_hash),
            methods=list(methods),
            remember_me=remember_me,
            attempts_left=rules.ATTEMPTS,
            expires_at=self._clock.now() + rules.CHALLENGE_LIFE,
        )
        await queries.insert_challenge(self._database, challenge)
        return token

    async def waiting(self, token: str) -> LoginChallenge:
        """The login that waits for a second factor; raises `invalid_token` for a dead one."""
        challenge = await queries.find_challenge(self._database, token_hash(token), self._clock.now())
        if challenge is None:
            raise PastisError(ErrorCode.INVALID_TOKEN)
        return challenge

    async def count_attempt(self, challenge: LoginChallenge) -> None:
        """Count an answer to it before it is checked; raises `invalid_token` where none is left."""
        if not await queries.take_attempt(self._database, challenge.id, self._clock.now()):
            raise PastisError(ErrorCode.INVALID_TOKEN)

    async def close(self, challenge: LoginChallenge, user: User) -> None:
        """Use a challenge up; raises `invalid_token` where the password or another answer was faster."""
        same = challenge.password_digest == rules.password_digest(user.password_hash)
        if not await queries.take_challenge(self._database, challenge.id) or not same:
            raise PastisError(ErrorCode.INVALID_TOKEN)

    async def prove(self, user_id: str, proof: FactorProof) -> tuple[str, ...]:
        """What the proof shows, as RFC 8176 names it; it counts once. Raises `invalid_factor`."""
        given = proof.model_fields_set
        if "passkey" in given:
            used = await self._passkeys.use(proof.passkey)
            right, methods = used.user_id == user_id, used.methods
        elif "totp" in given:
            right, methods = await self._take_totp(user_id, proof.totp), rules.CODE
        else:
            digest = rules.recovery_hash(proof.recovery_code)
            right = await queries.take_recovery_code(self._database, user_id, digest)
            methods = rules.CODE
        if not right:
            raise PastisError(ErrorCode.INVALID_FACTOR)
        return methods

    async def _take_totp(self, user_id: str, code: str) -> bool:
        factors = await queries.find(self._database, user_id)
        if factors is None or factors.totp is None:
            return False
        step = self._step(factors.totp, code)
        return step is not None and await queries.take_step(self._database, user_id, factors.totp, step)

    def _step(self, sealed: str, code: str) -> int | None:
        """When a code was shown; None for a wrong one, and for the secret of an app that nobody can read."""
        try:
            secret = self._sealer.unseal(sealed)
        except ValueError:
            logger.warning("an app's secret is sealed by another PASTIS_SECRET")
            return None
        return rules.matching_step(secret, code, self._clock.now())

    async def _hand_out(self, user_id: str) -> list[str]:
        codes, hashes = _new_recovery_codes()
        await queries.keep(self._database, user_id, {"recovery_hashes": hashes})
        return codes

    async def _without(self, principal: AccountPrincipal) -> None:
        """After a factor has gone: recovery codes stand for none, and what was logged in with it ends.

        Without any left, what goes on counts as logged in without one.
        """
        if not await self.kinds(principal.user_id):
            await queries.keep(self._database, principal.user_id, {"recovery_hashes": []})
            await self._sessions.weaken(principal.credential_id)
            await self._tokens.weaken(principal.user_id)
        await self._sessions.end_others(principal.user_id, principal.credential_id)

    async def _added(self, principal: AccountPrincipal, methods: Sequence[str], *, end_others: bool) -> None:
        """After a factor has come, which this login has just used; the others were made without it."""
        await self._sessions.strengthen(principal.credential_id, methods)
        if end_others:
            await self._sessions.end_others(principal.user_id, principal.credential_id)


def _new_recovery_codes() -> tuple[list[str], list[str]]:
    """The codes, and how they are kept."""
    codes = [new_recovery_code() for _ in range(rules.RECOVERY_CODES)]
    return codes, [rules.recovery_hash(code) for code in codes]
