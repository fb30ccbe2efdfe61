"""Registrations: asked for by address, completed by whoever reads the mail sent there.

So nobody can take another's address, nor learn whether it has an account. An invitation that was mailed is
such a mail: nobody but who reads it has its token.
"""

from contextlib import suppress

from app.core.config import Registration, Settings
from app.core.errors import ErrorCode, PastisError
from app.models.confirmations import Purpose
from app.models.mails import Letter
from app.schemas.registrations import RegistrationConfirm
from app.services.audit import AuditEngine, AuditKind
from app.services.auth import AuthEngine
from app.services.confirmations import ConfirmationEngine
from app.services.invitations import Acceptances
from app.services.limits import LimitEngine
from app.services.limits import Purpose as Limited
from app.services.mail import MailEngine
from app.services.sessions import Tokens
from app.services.users import UserEngine
from app.services.users.rules import normal_email


class RegistrationEngine:
    def __init__(
        self,
        settings: Settings,
        users: UserEngine,
        confirmations: ConfirmationEngine,
        acceptances: Acceptances,
        mail: MailEngine,
        auth: AuthEngine,
        limits: LimitEngine,
        audit: AuditEngine,
    ) -> None:
        self._settings = settings
        self._users = users
        self._confirmations = confirmations
        self._acceptances = acceptances
        self._mail = mail
        self._auth = auth
        self._limits = limits
        self._audit = audit

    async def request(self, email: str, language: str, invitation: str | None = None) -> None:
        """Mail a link to the address, or, where it has an account, that it has one; both do the same work.

        Raises `registration_closed`, `too_many_requests`, `validation_failed` for what is no address, and
        `invalid_link` and `wrong_account` for an invitation that does not let it in.
        """
        self._check_open(invited=invitation is not None)
        address = normal_email(email)
        if invitation is not None:
            await self._acceptances.check(invitation, address)
        await self._limits.spend(Limited.REGISTRATION, address)
        known = await self._users.find_by_email(address)
        user_id = None if known is None else known.id
        link = await self._confirmations.make(
            Purpose.REGISTRATION, address, address, user_id, invited=invitation is not None
        )
        if known is None:
            await self._mail.send(Letter.REGISTRATION, address, language, link=link)
        else:
            language = known.locale or language
            await self._mail.send(Letter.ADDRESS_IN_USE, address, language, user_id=user_id, link=link)

    async def confirm(self, data: RegistrationConfirm, *, client: str, address: str) -> Tokens:
        """Make the account and log in. A password that is refused leaves the link good.

        Raises `registration_closed`, `invalid_link`, `validation_failed`.
        """
        email = await self._proven(data.token)
        try:
            user = await self._users.create(
                email, data.display_name, data.password, time_zone=data.time_zone, locale=data.locale
            )
        except PastisError as exc:
            if exc.code is ErrorCode.ALREADY_EXISTS:  # of two at once, the other was faster
                raise PastisError(ErrorCode.INVALID_LINK) from None
            raise
        with suppress(PastisError):  # the account is what keeps the link from being used twice
            await self._confirmations.take(Purpose.REGISTRATION, data.token)
        await self._audit.record(AuditKind.ACCOUNT_CREATE, user.id)
        return await self._auth.admit(
            user, ("pwd",), remember_me=data.remember_me, client=client, address=address
        )

    async def _proven(self, token: str) -> str:
        """The address that the link of a mail proves: one of ours, or that of an invitation."""
        self._check_open(invited=True)
        invited = await self._acceptances.mailed_to(token)
        if invited is not None:
            return invited
        link = await self._confirmations.find(Purpose.REGISTRATION, token)
        self._check_open(invited=link.invited)
        return link.email

    def _check_open(self, *, invited: bool) -> None:
        mode = self._settings.registration_mode
        if mode is Registration.CLOSED:
            raise PastisError(ErrorCode.REGISTRATION_CLOSED)
        if mode is Registration.INVITATION and not invited:
            raise PastisError(ErrorCode.REGISTRATION_CLOSED, reason="invited_only")
