"""Invitations: made, looked at, sent again, revoked."""

from datetime import timedelta

from app.core.documents import Doc, loaded, public
from app.core.errors import not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.invitations import Invitation
from app.models.roles import CustomRole
from app.models.users import Locale
from app.schemas.invitations import InvitationCreate
from app.services.access import Page, PageRequest, Scope, Standing
from app.services.invitations import queries, rules
from app.services.invitations.issues import Issued, Issues
from app.services.memberships import require_placeholder
from app.services.memberships.rules import check_custom_role, check_manage
from app.services.users.rules import normal_email
from app.utils.ids import new_id


class InvitationEngine:
    def __init__(self, scope: Scope, issues: Issues) -> None:
        self._scope = scope
        self._issues = issues

    async def get(self, invitation_id: str) -> Doc:
        doc = await queries.get(self._scope, invitation_id)
        if doc is None:
            raise not_found("invitation")
        return (await self._with_addresses([public(Invitation, doc)]))[0]

    async def page(self, request: PageRequest) -> Page:
        found = await queries.page(self._scope, request)
        return Page(await self._with_addresses([*found.items]), found.next_cursor, found.total)

    async def create(self, data: InvitationCreate, language: str) -> Issued:
        """Invite by mail, or by a link that is shown this once.

        Raises `permission_denied` above one's own role, `not_found` for what it names, `too_many_requests`.
        """
        email = None if data.email is None else normal_email(data.email)
        single = email is not None or data.membership_id is not None
        max_uses = rules.uses(single=single, wanted=data.max_uses)
        invitation_id = data.id or new_id()

        async def decide(work: Work) -> Invitation:
            invitation = Invitation(
                id=invitation_id,
                workspace_id=work.workspace_id,
                email=email and rules.masked(email),
                role=data.role,
                custom_role_id=data.custom_role_id,
                membership_id=data.membership_id,
                invited_by=self._scope.standing.membership_id,
                max_uses=max_uses,
                expires_at=work.now + timedelta(days=data.expires_in_days),
                sent_at=work.now if email else None,
                created_at=work.now,
                updated_at=work.now,
            )
            await check_invitable(work, self._scope.standing, invitation)
            return work.add(invitation)

        if email is not None and not self._scope.context.dry_run:
            await self._issues.spend(self._scope, email)
        outcome = await self._scope.run(Command("invitation.create", decide, {Invitation: [invitation_id]}))
        return await self._issues.issue(self._scope, outcome, email, data.locale or Locale(language))

    async def resend(self, invitation_id: str) -> Issued:
        """Mail an invitation again, with a new secret: the former link is dead.

        Raises `wrong_state` for a link, which was not mailed, and for an invitation that has ended.
        """
        kept = await queries.secret_of(self._scope, invitation_id)
        email = None if kept is None else kept.email

        async def decide(work: Work) -> Invitation:
            invitation = await self._present(work, invitation_id)
            rules.check_resendable(invitation, email, work.now)
            return work.update(invitation, sent_at=work.now)

        # A refused precondition sends no mail, so it counts as none.
        doc = await queries.get(self._scope, invitation_id)
        self._scope.check_version(None if doc is None else loaded(Invitation, doc))
        if email is not None and not self._scope.context.dry_run:
            await self._issues.spend(self._scope, email)
        outcome = await self._scope.run(Command("invitation.resend", decide, {Invitation: [invitation_id]}))
        locale = Locale.EN if kept is None else kept.locale
        return await self._issues.issue(self._scope, outcome, email, locale)

    async def revoke(self, invitation_id: str) -> Outcome[None]:
        async def decide(work: Work) -> None:
            work.remove(await self._present(work, invitation_id))

        return await self._scope.run(Command("invitation.delete", decide, {Invitation: [invitation_id]}))

    async def _present(self, work: Work, invitation_id: str) -> Invitation:
        """Raises `permission_denied` for one to a role above the actor's own."""
        invitation = await work.require(Invitation, invitation_id)
        self._scope.check_version(invitation)
        check_manage(self._scope.standing.rank, invitation.role)
        return invitation

    async def _with_addresses(self, docs: list[Doc]) -> list[Doc]:
        """The whole addresses in the place of the masked ones, as long as they are kept."""
        known = await queries.addresses(self._scope, [doc["id"] for doc in docs])
        return [{**doc, "email": known.get(doc["id"]) or doc["email"]} for doc in docs]


async def check_invitable(work: Work, standing: Standing, invitation: Invitation) -> None:
    """Raises `permission_denied` above one's own role, `not_found` and `wrong_state` for what it names."""
    check_manage(standing.rank, invitation.role)
    check_custom_role(standing, invitation.role, invitation.custom_role_id)
    if invitation.custom_role_id is not None:
        await work.require(CustomRole, invitation.custom_role_id)
    if invitation.membership_id is not None:
        placeholder = await require_placeholder(work, invitation.membership_id)
        check_manage(standing.rank, placeholder.role)
