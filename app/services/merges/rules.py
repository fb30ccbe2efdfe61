"""Who may be merged into whom. Pure."""

from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.models.memberships import Membership, Role
from app.services.memberships.rules import check_manage


def check_target(actor: Role, placeholder: Membership, target: Membership | None) -> None:
    """Raises `not_found` for a target that is not there, `permission_denied` above the actor's own role."""
    if target is None or target.removed_at is not None:
        raise PastisError(ErrorCode.NOT_FOUND, kind="membership")
    if target.id == placeholder.id:
        raise invalid("/into_id", FieldCode.INVALID_CHOICE)
    check_manage(actor, placeholder.role, target.role)
