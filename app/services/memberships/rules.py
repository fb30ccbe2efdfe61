"""Who may change whose membership. Pure."""

from app.core.errors import ErrorCode, PastisError
from app.models.memberships import Membership, Role
from app.services.access.rules import may_manage


def check_manage(actor: Role, *roles: Role) -> None:
    """Raises `permission_denied` where somebody reaches above their own role."""
    if not all(may_manage(actor, role) for role in roles):
        raise PastisError(ErrorCode.PERMISSION_DENIED, permission="membership:update")


def check_owner_stays(membership: Membership, owners: int, new_role: Role | None) -> None:
    """Raises `last_owner` where a workspace would be left without one. `new_role` is None for removal.

    A placeholder cannot log in, so it is no owner that counts.
    """
    counts = membership.role == Role.OWNER and membership.user_id is not None
    if counts and new_role != Role.OWNER and owners < 2:
        raise PastisError(ErrorCode.LAST_OWNER)
