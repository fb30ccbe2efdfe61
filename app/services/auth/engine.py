"""Proves who somebody is, and opens their login."""

from collections.abc import Sequence
from dataclasses import replace

from app.core.errors import ErrorCode, FieldCode, PastisError, invalid, not_found
from app.core.messages import DEFAULT_LANGUAGE
from app.core.security import verify_password
from app.models.factors import LoginChallenge
from app.models.mails import Letter
from app.models.users import User
from app.schemas.factors import FactorProof, ReauthenticationCreate
from app.schemas.passkeys import Assertion
from app.services.access import AccountPrincipal
from app.services.audit import OPERATOR, AuditEngine, AuditKind
from app.services.auth.rules import wrong_password
from app.services.confirmations import ConfirmationEngine
from app.services.factors import FactorEngine
from app.services.factors.rules import is_needed
from app.services.limits import LimitEngine, Purpose
from app.services.mail import MailEngine
from app.services.passkeys import PasskeyEngine
from app.services.sessions import SessionEngine, Tokens
from app.services.tokens import TokenEngine
from app.services.users import UserEngine


class AuthEngine:
    def __init__(
        self,
        users: UserEngine,
        sessions: SessionEngine,
        tokens: TokenEngine,
        factors: FactorEngine,
        passkeys: PasskeyEngine,
        confirmations: ConfirmationEngine,
        mail: MailEngine,
        limits: LimitEngine,
        audit: AuditEngine,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._tokens = tokens
        self._factors = factors
        self._passkeys = passkeys
        self._confirmations = confirmations
        self._mail = mail
        self._limits = limits
        self._audit = audit

    async def login(
        self,
        email: str,
        password: str,
        *,
        remember_me: bool,
        client: str,
        address: str = "",
        device_token: str | None = None,
    ) -> Tokens:
        """Log in by password, as `admit` says.

        Raises `invalid_credentials`, and `too_many_requests`, alike for a wrong password and an unknown
        address.
        """
        async with self._limits.attempt(Purpose.LOGIN, email, device_token=device_token):
            user = await self._identify(email, password)
        return await self.admit(
            user,
            ("pwd",),
            remember_me=remember_me,
            client=client,
            address=address,
            device_token=device_token,
        )

    async def _identify(self, email: str, password: str) -> User:
        user = await self._users.find_by_email(email)
        known = None if user is None or not user.active else user.password_hash
        if await verify_password(password, known) and user is not None:
            return user
        await self._audit.record(AuditKind.LOGIN_FAIL, None if user is None else user.id, method="pwd")
        raise PastisError(ErrorCode.INVALID_CREDENTIALS)

    async def login_with_passkey(
        self, credential: Assertion, *, remember_me: bool, client: str, address: str = ""
    ) -> Tokens:
        """Log in without a password: having the device and unlocking it are two factors.

        Raises `invalid_factor`.
        """
        async with self._limits.attempt(Purpose.LOGIN, credential.id):
            used = await self._passkeys.use(credential)
        user = await self._users.find(used.user_id)
        if user is None or not user.active:
            raise PastisError(ErrorCode.INVALID_FACTOR)
        return await self.admit(user, used.methods, remember_me=remember_me, client=client, address=address)

    async def admit(
        self,
        user: User,
        methods: Sequence[str],
        *,
        remember_me: bool,
        client: str,
        address: str = "",
        device_token: str | None = None,
    ) -> Tokens:
        """Where every way to log in ends: opens the login of somebody who has proven who they are.

        `methods` say how, as RFC 8176 names it; `device_token` is what the device has from a former login,
        where no cookie brings it. Raises `factor_required`, with a challenge, where the account
        has second factors and none was used.
        """
        owned = await self._factors.kinds(user.id)
        if is_needed(methods, owned):
            challenge = await self._factors.challenge(user, methods, remember_me=remember_me)
            raise PastisError(ErrorCode.FACTOR_REQUIRED, members={"challenge": challenge, "factors": owned})
        return await self._open(
            user, methods, device_token, remember_me=remember_me, client=client, address=address
        )

    async def _open(
        self,
        user: User,
        methods: Sequence[str],
        device_token: str | None,
        *,
        remember_me: bool,
        client: str,
        address: str,
    ) -> Tokens:
        tokens = await self._sessions.open(
            user.id, remember_me=remember_me, client=client, address=address, methods=methods
        )
        return replace(tokens, device_token=self._limits.device_token(user.email, device_token))

    async def confirm(
        self,
        challenge: str,
        proof: FactorProof,
        *,
        client: str,
        address: str = "",
        device_token: str | None = None,
    ) -> Tokens:
        """Open the login that waits for a second factor.

        Raises `invalid_token` for a challenge that is dead, `invalid_factor` for a proof that does not count.
        """
        waiting = await self._factors.waiting(challenge)
        user = await self._users.find(waiting.user_id)
        if user is None or not user.active:
            raise PastisError(ErrorCode.INVALID_TOKEN)
        proven = await self._prove(user, proof, waiting, device_token)
        await self._factors.close(waiting, user)
        methods = (*waiting.methods, *proven)
        return await self._open(
            user, methods, device_token, remember_me=waiting.remember_me, client=client, address=address
        )

    async def _prove(
        self,
        user: User,
        proof: FactorProof,
        waiting: LoginChallenge | None = None,
        device_token: str | None = None,
    ) -> Sequence[str]:
        """How a second factor was proven; raises `invalid_factor` or `too_many_requests`.

        What the limits refuse is no attempt at the login that waits.
        """
        try:
            async with self._limits.attempt(Purpose.FACTOR, user.email, device_token=device_token):
                if waiting is not None:
                    await self._factors.count_attempt(waiting)
                proven = await self._factors.prove(user.id, proof)
        except PastisError as error:
            if error.code is ErrorCode.INVALID_FACTOR:
                await self._audit.record(AuditKind.FACTOR_FAIL, user.id)
            raise
        await self._audit.record(AuditKind.FACTOR_USE, user.id, methods=list(proven))
        return proven

    async def refresh(self, refresh_token: str, *, address: str = "") -> Tokens:
        return await self._sessions.refresh(refresh_token, address=address)

    async def reauthenticate(self, principal: AccountPrincipal, proof: ReauthenticationCreate) -> None:
        """Prove again who one is, for what is sensitive.

        Who has second factors proves one of them: a passkey is enough, a code comes with the password.
        Raises `factor_required`, `invalid_credentials` or `invalid_factor`.
        """
        user = await self._users.get(principal.user_id)
        owned = await self._factors.kinds(user.id)
        if owned and not proof.model_fields_set.intersection(owned):
            raise PastisError(ErrorCode.FACTOR_REQUIRED, members={"factors": owned})
        by_passkey = "passkey" in owned and "passkey" in proof.model_fields_set
        has_password = user.password_hash is not None
        if not by_passkey and (has_password or not owned):
            await self._check_password(Purpose.REAUTHENTICATION, user, proof.password)
        proven = await self._prove(user, proof) if owned else ()
        await self._sessions.prove(principal.credential_id, proven)
        await self._audit.record(AuditKind.LOGIN_REAUTHENTICATE, user.id)

    async def _check_password(self, purpose: Purpose, user: User, password: str | None) -> None:
        async with self._limits.attempt(purpose, user.id):
            if await verify_password(password or "", user.password_hash):
                return
            await self._audit.record(AuditKind.PASSWORD_FAIL, user.id)
            raise wrong_password(user, password)

    async def change_password(self, principal: AccountPrincipal, current: str | None, password: str) -> None:
        """Set a new password and end all other logins; raises `invalid_credentials`, `validation_failed`.

        An account that has none yet, as its owner logs in elsewhere, gets its first without.
        """
        user = await self._users.get(principal.user_id)
        if user.password_hash is not None:
            if current is None:
                raise invalid("/current_password", FieldCode.MISSING)
            await self._check_password(Purpose.PASSWORD_CHANGE, user, current)
        await self._users.update(user.id, {"password": password})
        await self._sessions.end_others(user.id, principal.credential_id)
        await self._audit.record(AuditKind.PASSWORD_CHANGE, user.id)
        await self._tell_of_password(user)

    async def set_password(self, user: User, password: str) -> None:
        """Set a password without knowing the present one, and end all logins and tokens."""
        await self._users.update(user.id, {"password": password})
        await self._end_all(user.id)
        await self._tell_of_password(user)

    async def _tell_of_password(self, user: User) -> None:
        """End the links that somebody else may have asked for, and tell the owner."""
        await self._confirmations.end_all(user.id)
        language = user.locale or DEFAULT_LANGUAGE
        await self._mail.send(Letter.PASSWORD_CHANGED, user.email, language, user_id=user.id)

    async def reset_password(self, email: str, password: str) -> str:
        """`set_password` by address, as an operator may.

        Gives the address as it is kept; raises `not_found`.
        """
        user = await self._known(email)
        await self.set_password(user, password)
        await self._audit.record(AuditKind.PASSWORD_RESET, user.id, actor=OPERATOR)
        return user.email

    async def set_active(self, email: str, *, active: bool) -> str:
        """Let an account log in, or keep it from that and end its logins; raises `not_found`."""
        user = await self._known(email)
        await self._users.update(user.id, {"active": active})
        if not active:
            await self._sessions.end_all(user.id)
        kind = AuditKind.ACCOUNT_ACTIVATE if active else AuditKind.ACCOUNT_DEACTIVATE
        await self._audit.record(kind, user.id, actor=OPERATOR)
        return user.email

    async def reset_factors(self, email: str) -> str:
        """Take all second factors from an account, as an operator may; ends all logins and tokens.

        Gives the address as it is kept; raises `not_found`.
        """
        user = await self._known(email)
        await self._factors.remove_all(user.id)
        await self._end_all(user.id)
        await self._audit.record(AuditKind.FACTOR_REMOVE, user.id, actor=OPERATOR, factors="all")
        return user.email

    async def _end_all(self, user_id: str) -> None:
        await self._sessions.end_all(user_id)
        await self._tokens.erase(user_id)

    async def _known(self, email: str) -> User:
        user = await self._users.find_by_email(email)
        if user is None:
            raise not_found("account")
        return user

    async def logout(self, tokens: Sequence[str]) -> bool:
        """End the login that these are tokens of, also expired ones; false where there is none."""
        ended = await self._sessions.end_of(tokens)
        for user_id in ended:
            await self._audit.record(AuditKind.LOGIN_DELETE, user_id)
        return bool(ended)

    async def revoke(self, principal: AccountPrincipal, session_id: str) -> None:
        """End a login of one's own from another one."""
        await self._sessions.end(session_id)
        await self._audit.record(AuditKind.LOGIN_REVOKE, principal.user_id, session=session_id)

    async def revoke_others(self, principal: AccountPrincipal) -> None:
        await self._sessions.end_others(principal.user_id, principal.credential_id)
        await self._audit.record(AuditKind.LOGIN_REVOKE, principal.user_id, session="others")
