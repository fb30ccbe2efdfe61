"""Who may change whose membership. Pure."""

from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.models.memberships import Membership, Role
from app.models.permissions import Permission
from app.services.access.rules import may_manage
from app.services.access.standing import Standing


def check_manage(actor: Role, *roles: Role) -> None:
    """Raises `permission_denied` where somebody reaches above their own role."""
    if not all(may_manage(actor, role) for role in roles):
        raise PastisError(ErrorCode.PERMISSION_DENIED, permission="membership:update")


def check_custom_role(standing: Standing, role: Role, custom_role_id: str | None) -> None:
    """Raises `permission_denied`: only admins give custom roles; `validation_failed` for who is no member."""
    if custom_role_id is None:
        return
    if not standing.is_admin:
        raise PastisError(ErrorCode.PERMISSION_DENIED, permission=Permission.ROLE_UPDATE)
    if role is not Role.MEMBER:
        raise invalid("/custom_role_id", FieldCode.REFUSED)


def check_owner_stays(membership: Membership, owners: int, new_role: Role | None) -> None:
    """Raises `last_owner` where a workspace would be left without one. `new_role` is None for removal.

    A placeholder cannot log in, so it is no owner that counts.
    """
    counts = membership.role == Role.OWNER and membership.user_id is not None
    if counts and new_role != Role.OWNER and owners < 2:
        raise PastisError(ErrorCode.LAST_OWNER)
