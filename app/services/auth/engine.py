"""Proves who somebody is, and opens their login."""

from app.core.errors import ErrorCode, PastisError, not_found
from app.core.security import verify_password
from app.models.users import User
from app.services.access import Principal
from app.services.audit import OPERATOR, AuditEngine, AuditKind
from app.services.limits import LimitEngine, Purpose
from app.services.sessions import SessionEngine, Tokens
from app.services.users import UserEngine


class AuthEngine:
    def __init__(
        self, users: UserEngine, sessions: SessionEngine, limits: LimitEngine, audit: AuditEngine
    ) -> None:
        self._users = users
        self._sessions = sessions
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
        """Open a login.

        Raises `invalid_credentials`, and `too_many_requests`, alike for a wrong password and an unknown
        address.
        """
        async with self._limits.attempt(Purpose.LOGIN, email, device_token=device_token):
            user = await self._check_password(email, password)
        return await self._sessions.open(user.id, remember_me=remember_me, client=client, address=address)

    async def _check_password(self, email: str, password: str) -> User:
        user = await self._users.find_by_email(email)
        known = None if user is None or not user.active else user.password_hash
        if await verify_password(password, known) and user is not None:
            return user
        await self._audit.record(AuditKind.LOGIN_FAIL, None if user is None else user.id, method="pwd")
        raise PastisError(ErrorCode.INVALID_CREDENTIALS)

    async def refresh(self, refresh_token: str, *, address: str = "") -> Tokens:
        return await self._sessions.refresh(refresh_token, address=address)

    async def reauthenticate(self, principal: Principal, password: str) -> None:
        """Prove again who one is, for what is sensitive; raises `invalid_credentials`."""
        user = await self._users.get(principal.user_id)
        async with self._limits.attempt(Purpose.REAUTHENTICATION, user.id):
            await self._check_own(user, password)
        await self._sessions.prove(principal.session_id)
        await self._audit.record(AuditKind.LOGIN_REAUTHENTICATE, user.id)

    async def _check_own(self, user: User, password: str) -> None:
        if not await verify_password(password, user.password_hash):
            await self._audit.record(AuditKind.PASSWORD_FAIL, user.id)
            raise PastisError(ErrorCode.INVALID_CREDENTIALS)

    async def change_password(self, principal: Principal, current: str, password: str) -> None:
        """Set a new password and end all other logins; raises `invalid_credentials`."""
        user = await self._users.get(principal.user_id)
        async with self._limits.attempt(Purpose.PASSWORD_CHANGE, user.id):
            await self._check_own(user, current)
        await self._users.update(user.id, {"password": password})
        await self._sessions.end_others(user.id, principal.session_id)
        await self._audit.record(AuditKind.PASSWORD_CHANGE, user.id)

    async def reset_password(self, email: str, password: str) -> str:
        """Set a password without knowing the present one, as an operator may; ends all logins.

        Gives the address as it is kept; raises `not_found`.
        """
        user = await self._known(email)
        await self._users.update(user.id, {"password": password})
        await self._sessions.end_all(user.id)
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

    async def _known(self, email: str) -> User:
        user = await self._users.find_by_email(email)
        if user is None:
            raise not_found("account")
        return user

    async def logout(self, principal: Principal) -> None:
        await self._sessions.end(principal.session_id)
        await self._audit.record(AuditKind.LOGIN_DELETE, principal.user_id)

    async def revoke(self, principal: Principal, session_id: str) -> None:
        """End a login of one's own from another one."""
        await self._sessions.end(session_id)
        await self._audit.record(AuditKind.LOGIN_REVOKE, principal.user_id, session=session_id)

    async def revoke_others(self, principal: Principal) -> None:
        await self._sessions.end_others(principal.user_id, principal.session_id)
        await self._audit.record(AuditKind.LOGIN_REVOKE, principal.user_id, session="others")
