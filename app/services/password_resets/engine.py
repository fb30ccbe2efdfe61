"""Password resets: asked for by address, done by whoever reads the mail sent there."""

from app.core.errors import ErrorCode, PastisError
from app.models.confirmations import Purpose
from app.models.mails import Letter
from app.services.audit import AuditEngine, AuditKind
from app.services.auth import AuthEngine
from app.services.confirmations import ConfirmationEngine
from app.services.limits import LimitEngine
from app.services.limits import Purpose as Limited
from app.services.mail import MailEngine
from app.services.users import UserEngine
from app.services.users.rules import check_password, may_reset, normal_email


class PasswordResetEngine:
    def __init__(
        self,
        users: UserEngine,
        auth: AuthEngine,
        confirmations: ConfirmationEngine,
        mail: MailEngine,
        limits: LimitEngine,
        audit: AuditEngine,
    ) -> None:
        self._users = users
        self._auth = auth
        self._confirmations = confirmations
        self._mail = mail
        self._limits = limits
        self._audit = audit

    async def request(self, email: str, language: str) -> None:
        """Mail a link to the address, if an account that may be reset has it; the work is the same otherwise.

        Raises `validation_failed` for what is no address, and `too_many_requests`.
        """
        address = normal_email(email)
        await self._limits.spend(Limited.PASSWORD_RESET, address)
        user = await self._users.find_by_email(address)
        known = user if user is not None and may_reset(user) else None
        user_id = None if known is None else known.id
        link = await self._confirmations.make(Purpose.PASSWORD_RESET, address, address, user_id)
        await self._mail.send(
            Letter.PASSWORD_RESET,
            None if known is None else address,
            (None if known is None else known.locale) or language,
            user_id=user_id,
            link=link,
        )
        await self._audit.record(AuditKind.PASSWORD_REQUEST, user_id)

    async def confirm(self, token: str, password: str) -> None:
        """Set the password and end all logins. A password that is refused leaves the link good.

        Raises `invalid_link`, `validation_failed`.
        """
        check_password(password, (await self._confirmations.find(Purpose.PASSWORD_RESET, token)).email)
        link = await self._confirmations.take(Purpose.PASSWORD_RESET, token)
        user = await self._users.find_by_email(link.email)
        if user is None or user.id != link.user_id or not may_reset(user):
            raise PastisError(ErrorCode.INVALID_LINK)
        await self._auth.set_password(user, password)
        await self._audit.record(AuditKind.PASSWORD_RESET, user.id)
