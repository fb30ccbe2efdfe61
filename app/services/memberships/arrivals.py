"""How an account comes into a workspace by itself: as somebody new, again, or as a placeholder."""

from app.core.errors import ErrorCode, PastisError, already_exists, not_found
from app.core.unit_of_work import Work
from app.models.memberships import Membership, MembershipType, Role
from app.models.users import User
from app.services.memberships import queries
from app.utils.ids import new_id


async def require_placeholder(work: Work, membership_id: str) -> Membership:
    """Raises `not_found`, and `wrong_state` for who can log in: an account or a service account."""
    membership = await work.require(Membership, membership_id)
    if membership.removed_at is not None:
        raise not_found("membership")
    if membership.user_id is not None or membership.type is not MembershipType.PERSON:
        raise PastisError(ErrorCode.WRONG_STATE, reason="not_placeholder")
    return membership


async def former_of(work: Work, user_id: str, placeholder_id: str | None) -> Membership | None:
    """The membership that an account had here once; raises `already_exists` for a member.

    Who had one is no placeholder: an admin merges the two.
    """
    former = await queries.of_user(work, user_id)
    if former is not None and (former.removed_at is None or placeholder_id is not None):
        raise already_exists("membership", "token")
    return former


async def arrive(
    work: Work,
    user: User,
    role: Role,
    custom_role_id: str | None,
    former: Membership | None,
    placeholder: Membership | None,
) -> Membership:
    """Let an account in. A placeholder keeps its name, and all that names it."""
    given = {"role": role, "custom_role_id": custom_role_id, "given_by": None}
    if placeholder is not None:
        return work.update(placeholder, user_id=user.id, **given)
    if former is not None:
        return work.update(former, removed_at=None, display_name=user.display_name, **given)
    return add_member(work, user, role, custom_role_id=custom_role_id)


def add_member(
    work: Work, user: User, role: Role, *, custom_role_id: str | None = None, given_by: str | None = None
) -> Membership:
    """A new membership of an account that has none here; the caller has seen that the role may be given."""
    return work.add(
        Membership(
            id=new_id(),
            workspace_id=work.workspace_id,
            user_id=user.id,
            display_name=user.display_name,
            role=role,
            custom_role_id=custom_role_id,
            given_by=given_by,
            created_at=work.now,
            updated_at=work.now,
        )
    )
