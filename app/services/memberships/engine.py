"""Memberships: given, changed, taken away; never deleted, so that history keeps its names."""

from dataclasses import replace

from app.core.database.engine import Database
from app.core.documents import Doc, public
from app.core.errors import ErrorCode, FieldCode, PastisError, already_exists, invalid, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.memberships import Membership, MembershipType, Role
from app.models.roles import CustomRole
from app.models.users import User
from app.schemas.memberships import MembershipCreate, MembershipPatch
from app.services.access import Page, PageRequest, Permission, Scope
from app.services.memberships import queries, rules
from app.services.users import UserEngine
from app.utils.ids import new_id


class MembershipEngine:
    def __init__(self, scope: Scope, users: UserEngine) -> None:
        self._scope = scope
        self._users = users

    async def get(self, membership_id: str) -> Doc:
        doc = await queries.get(self._scope, membership_id)
        if doc is None:
            raise not_found("membership")
        return self._shown(public(Membership, doc))

    async def page(self, request: PageRequest, *, removed: bool) -> Page:
        page = await queries.page(self._scope, request, removed=removed)
        return replace(page, items=[self._shown(doc) for doc in page.items])

    def _shown(self, doc: Doc) -> Doc:
        return rules.for_visitors(doc) if self._scope.standing.is_visitor else doc

    async def create(self, data: MembershipCreate) -> Outcome[Membership]:
        """Let an account in, name a placeholder, or make a service account.

        Raises `already_exists` for a member, `validation_failed` where no account has the address.
        """
        rules.check_manage(self._scope.standing.rank, data.role)
        rules.check_custom_role(self._scope.standing, data.role, data.custom_role_id)
        rules.check_type(MembershipType(data.type), data.email)
        user = await self._user(data)
        name = data.display_name or (user.display_name if user else None)
        if name is None:
            raise invalid("/display_name", FieldCode.MISSING)
        membership_id = data.id or new_id()

        async def decide(work: Work) -> Membership:
            await _check_role(work, data.custom_role_id)
            former = await queries.of_user(work, user.id) if user else None
            if former is not None:
                return self._return(work, former, name, data)
            return work.add(
                Membership(
                    id=membership_id,
                    workspace_id=work.workspace_id,
                    type=MembershipType(data.type),
                    user_id=user.id if user else None,
                    display_name=name,
                    role=data.role,
                    custom_role_id=data.custom_role_id,
                    created_at=work.now,
                    updated_at=work.now,
                )
            )

        return await self._scope.run(Command("membership.create", decide, {Membership: [membership_id]}))

    async def update(self, membership_id: str, patch: MembershipPatch) -> Outcome[Membership]:
        changes = patch.model_dump(exclude_unset=True)

        async def decide(work: Work) -> Membership:
            membership = await self._present(work, membership_id)
            role = changes.get("role", membership.role)
            await check_change(work, self._scope, membership, role)
            kept = membership.custom_role_id if role is Role.MEMBER else None
            custom = changes.get("custom_role_id", kept)
            if (role, custom) != (membership.role, membership.custom_role_id):
                rules.check_custom_role(self._scope.standing, role, custom)
                await _check_role(work, custom)
            # Whoever gives a role by hand has it stay, whatever groups say.
            given = {"given_by": None} if changes.keys() & {"role", "custom_role_id"} else {}
            return work.update(membership, **changes | {"custom_role_id": custom}, **given)

        return await self._scope.run(Command("membership.update", decide, {Membership: [membership_id]}))

    async def remove(self, membership_id: str) -> Outcome[Membership]:
        """End a membership; the name stays on what the person did. Everybody may end their own.

        Raises `permission_denied` for another's, `last_owner`.
        """
        if membership_id != self._scope.standing.membership_id:
            self._scope.demand(Permission.MEMBERSHIP_DELETE)

        async def decide(work: Work) -> Membership:
            membership = await self._present(work, membership_id)
            await check_change(work, self._scope, membership, None)
            return work.update(membership, removed_at=work.now, given_by=None)

        return await self._scope.run(Command("membership.remove", decide, {Membership: [membership_id]}))

    async def _present(self, work: Work, membership_id: str) -> Membership:
        membership = await work.require(Membership, membership_id)
        self._scope.check_version(membership)
        if membership.removed_at is not None or membership.type is MembershipType.LINK:
            raise not_found("membership")
        return membership

    async def _user(self, data: MembershipCreate) -> User | None:
        if data.email is None:
            return None
        user = await self._users.find_by_email(data.email)
        if user is None:
            raise invalid("/email", FieldCode.NOT_FOUND)
        return user

    @staticmethod
    def _return(work: Work, former: Membership, name: str, data: MembershipCreate) -> Membership:
        if former.removed_at is None:
            raise already_exists("membership", "email")
        role = {"role": data.role, "custom_role_id": data.custom_role_id}
        return work.update(former, removed_at=None, display_name=name, **role)


async def _check_role(work: Work, custom_role_id: str | None) -> None:
    if custom_role_id is not None:
        await work.require(CustomRole, custom_role_id)


async def check_change(work: Work, scope: Scope, membership: Membership, role: Role | None) -> None:
    """Raises `permission_denied` or `last_owner` where a role may not be given; None ends the membership."""
    rules.check_manage(scope.standing.rank, membership.role, *(() if role is None else (role,)))
    await check_owner_stays(scope.database, work, membership, role)


async def check_owner_stays(
    database: Database, work: Work, membership: Membership, role: Role | None
) -> None:
    """Raises `last_owner` where a workspace would be left without one; None ends the membership."""
    if rules.takes_owner(membership, role) and not await queries.has_other_owner(database, work, membership):
        raise PastisError(ErrorCode.LAST_OWNER)
