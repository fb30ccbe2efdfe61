"""Changes of an account's address: done by whoever reads the mail sent to the new one."""

from app.core.errors import ErrorCode, PastisError
from app.core.messages import DEFAULT_LANGUAGE
from app.models.confirmations import Purpose
from app.models.mails import Letter
from app.services.access import Access
from app.services.audit import AuditEngine, AuditKind
from app.services.confirmations import ConfirmationEngine
from app.services.limits import LimitEngine
from app.services.limits import Purpose as Limited
from app.services.mail import MailEngine
from app.services.users import UserEngine
from app.services.users.rules import normal_email


class EmailChangeEngine:
    def __init__(
        self,
        access: Access,
        users: UserEngine,
        confirmations: ConfirmationEngine,
        mail: MailEngine,
        limits: LimitEngine,
        audit: AuditEngine,
    ) -> None:
        self._access = access
        self._users = users
        self._confirmations = confirmations
        self._mail = mail
        self._limits = limits
        self._audit = audit

    async def request(self, user_id: str, email: str, language: str) -> None:
        """Mail a link to the new address, or, where it has an account, that it has one; tell the old one.

        Raises `validation_failed` for what is no address, and `too_many_requests`.
        """
        address = normal_email(email)
        await self._limits.spend(Limited.EMAIL_CHANGE, user_id)
        user = await self._users.get(user_id)
        other = await self._users.find_by_email(address)
        link = await self._confirmations.make(Purpose.EMAIL_CHANGE, user_id, address, user_id)
        mine = user.locale or language
        if other is None:
            await self._mail.send(Letter.EMAIL_CHANGE, address, mine, user_id=user_id, link=link)
        else:
            theirs = other.locale or DEFAULT_LANGUAGE
            await self._mail.send(Letter.ADDRESS_IN_USE, address, theirs, user_id=other.id, link=link)
        await self._mail.send(Letter.EMAIL_CHANGE_REQUESTED, user.email, mine, user_id=user_id, email=address)

    async def confirm(self, token: str) -> None:
        """Change the address and tell the old one; other links of the account end. Raises `invalid_link`."""
        link = await self._confirmations.take(Purpose.EMAIL_CHANGE, token)
        former = None if link.user_id is None else await self._users.change_email(link.user_id, link.email)
        if former is None:
            raise PastisError(ErrorCode.INVALID_LINK)
        await self._confirmations.end_all(former.id)
        await self._audit.record(AuditKind.EMAIL_CHANGE, former.id)
        self._access.forget_user(former.id)
        language = former.locale or DEFAULT_LANGUAGE
        await self._mail.send(
            Letter.EMAIL_CHANGED, former.email, language, user_id=former.id, email=link.email
        )
