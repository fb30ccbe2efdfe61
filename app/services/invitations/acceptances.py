"""The other end of an invitation: whoever has its token, with an account or not yet."""

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.security import token_hash
from app.core.unit_of_work import Command, Outcome, Work
from app.models.invitations import Invitation, InvitationSecret
from app.models.memberships import Membership
from app.models.roles import CustomRole
from app.services.access import AccountScope
from app.services.invitations import queries, rules
from app.services.memberships import arrive, former_of
from app.services.users import UserEngine


class Acceptances:
    """One a process."""

    def __init__(self, database: Database, users: UserEngine, clock: Clock) -> None:
        self._database = database
        self._users = users
        self._clock = clock

    async def preview(self, token: str) -> Doc:
        """What an invitation is about; raises `invalid_link` for whatever cannot be accepted, alike."""
        _, invitation = await self._living(token)
        workspace = await queries.workspace(self._database, invitation.workspace_id)
        inviter = await queries.membership(self._database, invitation.invited_by)
        if workspace is None or inviter is None:
            raise PastisError(ErrorCode.INVALID_LINK)
        return {
            "workspace_id": workspace["_id"],
            "workspace_name": workspace["name"],
            "role": invitation.role,
            "invited_by": inviter["display_name"],
            "email": invitation.email,
            "expires_at": invitation.expires_at,
        }

    async def accept(self, account: AccountScope, token: str) -> Outcome[Membership]:
        """Let the account into the workspace.

        Raises `invalid_link`, `wrong_account` for one that was mailed to somebody else, and `already_exists`
        for a member, whose role stays as it is.
        """
        secret = await self._secret(token)
        user = await self._users.get(account.principal.user_id)
        rules.check_bound(secret.email, user.email)

        async def decide(work: Work) -> Membership:
            invitation = await work.get(Invitation, secret.id)
            if invitation is None:
                raise PastisError(ErrorCode.INVALID_LINK)
            former = await former_of(work, user.id, invitation.membership_id)
            placeholder = await _check_good(work, invitation)
            role, custom = invitation.role, invitation.custom_role_id
            member = await arrive(work, user, role, custom, former, placeholder)
            work.update(invitation, uses=invitation.uses + 1)
            return member

        command = Command("invitation.accept", decide, {Invitation: [secret.id]})
        return await account.writers.run(secret.workspace_id, command, account.context)

    async def check(self, token: str, email: str) -> None:
        """Raises `invalid_link`, and `wrong_account` for another address than the one that was written to."""
        secret, _ = await self._living(token)
        rules.check_bound(secret.email, email)

    async def mailed_to(self, token: str) -> str | None:
        """The address that a living invitation was mailed to, which whoever has its token reads."""
        try:
            secret, _ = await self._living(token)
        except PastisError:
            return None
        return secret.email

    async def erase(self, user_id: str) -> None:
        """Forget the invitations that were mailed to an account; nobody can accept them any more."""
        user = await self._users.find(user_id)
        if user is not None:
            await queries.forget(self._database, user.email)

    async def _living(self, token: str) -> tuple[InvitationSecret, Invitation]:
        secret = await self._secret(token)
        invitation = await queries.invitation(self._database, secret.id)
        if invitation is None or rules.ended(invitation, self._clock.now()):
            raise PastisError(ErrorCode.INVALID_LINK)
        return secret, invitation

    async def _secret(self, token: str) -> InvitationSecret:
        found = await queries.secret_by(self._database, token_hash(token), self._clock.now())
        if found is None:
            raise PastisError(ErrorCode.INVALID_LINK)
        return found


async def _check_good(work: Work, invitation: Invitation) -> Membership | None:
    """The placeholder to become; raises `invalid_link` where the invitation, or what it names, is over."""
    placeholder = custom = None
    if invitation.membership_id is not None:
        placeholder = await work.get(Membership, invitation.membership_id)
    if invitation.custom_role_id is not None:
        custom = await work.get(CustomRole, invitation.custom_role_id)
    taken = placeholder is not None and (
        placeholder.user_id is not None or placeholder.removed_at is not None
    )
    gone = invitation.custom_role_id is not None and custom is None
    if taken or gone or rules.ended(invitation, work.now):
        raise PastisError(ErrorCode.INVALID_LINK)
    return placeholder
