"""What is handed out: the secrets of invitations, and the mails that they travel in.

A secret is written when its invitation is there. A request that was cut off between the two finds that it
lacks one when it is repeated.
"""

from dataclasses import dataclass

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.security import new_token, token_hash
from app.core.unit_of_work import Outcome
from app.models.invitations import Invitation, InvitationSecret
from app.models.users import Locale
from app.services.access import Scope
from app.services.invitations import queries, rules
from app.services.limits import LimitEngine, Purpose
from app.services.mail import MailEngine
from app.services.users import UserEngine


@dataclass(frozen=True, slots=True)
class Issued:
    """An invitation as a command left it, with what no event has."""

    outcome: Outcome[Invitation]
    email: str | None
    link: str | None = None
    """Shown to who made it, this once; None where it was mailed."""


class Issues:
    """One a process."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        users: UserEngine,
        mail: MailEngine,
        limits: LimitEngine,
    ) -> None:
        self._database = database
        self._settings = settings
        self._users = users
        self._mail = mail
        self._limits = limits

    async def spend(self, scope: Scope, email: str) -> None:
        """Count a mail for who sends it, the workspace, and who gets it; raises `too_many_requests`."""
        await self._limits.spend(Purpose.INVITATION, scope.standing.actor_id)
        await self._limits.spend(Purpose.INVITATION, scope.workspace_id)
        await self._limits.spend(Purpose.INVITED, email)

    async def issue(
        self, scope: Scope, outcome: Outcome[Invitation], email: str | None, locale: Locale
    ) -> Issued:
        """Make the secret of an invitation, which ends the former, and mail it where that is how it travels.

        A trial makes none, nor does a request that is repeated after it had one.
        """
        invitation, seq = outcome.value, outcome.seq
        if seq is None or (outcome.replayed and await _has_since(scope, invitation.id, seq)):
            return Issued(outcome, email)
        token = new_token()
        secret = InvitationSecret(
            id=invitation.id,
            workspace_id=invitation.workspace_id,
            token_hash=token_hash(token),
            email=email,
            locale=locale,
            seq=seq,
            expires_at=invitation.expires_at,
        )
        link = rules.link(self._settings.public_url, token)
        if email is not None:
            # Before the secret, which says to a repeated request that all is done: rather twice than never.
            await self._send(scope, secret, email, link)
        await queries.put_secret(self._database, secret)
        return Issued(outcome, email, link if email is None else None)

    async def _send(self, scope: Scope, secret: InvitationSecret, email: str, link: str) -> None:
        workspace = await queries.workspace(self._database, scope.workspace_id)
        inviter = await queries.membership(self._database, scope.standing.membership_id)
        known = await self._users.find_by_email(email)
        await self._mail.send(
            rules.letter(self._settings.registration_mode),
            email,
            (None if known is None else known.locale) or secret.locale,
            user_id=None if known is None else known.id,
            link=link,
            inviter=str(inviter and inviter["display_name"]),
            workspace=str(workspace and workspace["name"]),
            expires=secret.expires_at.strftime("%Y-%m-%d %H:%M"),
        )


async def _has_since(scope: Scope, invitation_id: str, seq: int) -> bool:
    secret = await queries.secret_of(scope, invitation_id)
    return secret is not None and secret.seq >= seq
