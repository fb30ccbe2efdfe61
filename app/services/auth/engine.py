"""Proves who somebody is, and opens their login."""

from app.core.errors import ErrorCode, PastisError, not_found
from app.core.messages import DEFAULT_LANGUAGE
from app.core.security import verify_password
from app.models.mails import Letter
from app.models.users import User
from app.services.access import Principal
from app.services.confirmations import ConfirmationEngine
from app.services.mail import MailEngine
from app.services.sessions import SessionEngine, Tokens
from app.services.users import UserEngine


class AuthEngine:
    def __init__(
        self,
        users: UserEngine,
        sessions: SessionEngine,
        confirmations: ConfirmationEngine,
        mail: MailEngine,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._confirmations = confirmations
        self._mail = mail

    async def login(
        self, email: str, password: str, *, remember_me: bool, client: str, address: str = ""
    ) -> Tokens:
        """Open a login; raises `invalid_credentials` alike for a wrong password and an unknown address."""
        user = await self._users.find_by_email(email)
        known = None if user is None or not user.active else user.password_hash
        if not await verify_password(password, known) or user is None:
            raise PastisError(ErrorCode.INVALID_CREDENTIALS)
        return await self._sessions.open(user.id, remember_me=remember_me, client=client, address=address)

    async def refresh(self, refresh_token: str, *, address: str = "") -> Tokens:
        return await self._sessions.refresh(refresh_token, address=address)

    async def reauthenticate(self, principal: Principal, password: str) -> None:
        """Prove again who one is, for what is sensitive; raises `invalid_credentials`."""
        user = await self._users.get(principal.user_id)
        if not await verify_password(password, user.password_hash):
            raise PastisError(ErrorCode.INVALID_CREDENTIALS)
        await self._sessions.prove(principal.session_id)

    async def change_password(self, principal: Principal, current: str, password: str) -> None:
        """Set a new password and end all other logins; raises `invalid_credentials`."""
        user = await self._users.get(principal.user_id)
        if not await verify_password(current, user.password_hash):
            raise PastisError(ErrorCode.INVALID_CREDENTIALS)
        await self._users.update(user.id, {"password": password})
        await self._sessions.end_others(user.id, principal.session_id)
        await self._tell_of_password(user)

    async def set_password(self, user: User, password: str) -> None:
        """Set a password without knowing the present one, and end all logins."""
        await self._users.update(user.id, {"password": password})
        await self._sessions.end_all(user.id)
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
        return user.email

    async def set_active(self, email: str, *, active: bool) -> str:
        """Let an account log in, or keep it from that and end its logins; raises `not_found`."""
        user = await self._known(email)
        await self._users.update(user.id, {"active": active})
        if not active:
            await self._sessions.end_all(user.id)
        return user.email

    async def _known(self, email: str) -> User:
        user = await self._users.find_by_email(email)
        if user is None:
            raise not_found("account")
        return user

    async def logout(self, session_id: str) -> None:
        await self._sessions.end(session_id)
