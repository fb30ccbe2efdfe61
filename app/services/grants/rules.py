"""Who may give what in a project. Pure."""

from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.models.grants import ProjectRole
from app.models.permissions import OF_PROJECTS
from app.services.access.rules import IN_PROJECT, Permissions, closed


def given(role: ProjectRole, custom: list[str] | None) -> Permissions:
    """What a grant gives: its custom role's permissions in the place of its role's."""
    return IN_PROJECT[role] if custom is None else closed(custom) & OF_PROJECTS


def check_giver(own: Permissions, permissions: Permissions) -> None:
    """Raises `permission_denied` where somebody gives, changes or takes what they do not have themselves."""
    if not permissions <= own:
        raise PastisError(ErrorCode.PERMISSION_DENIED, permission=min(permissions - own))


def check_one_holder(membership_id: str | None, team_id: str | None) -> None:
    """Raises `validation_failed` unless exactly one of the two is named."""
    if membership_id is None and team_id is None:
        raise invalid("/membership_id", FieldCode.MISSING)
    if membership_id is not None and team_id is not None:
        raise invalid("/membership_id", FieldCode.INVALID_CHOICE, exclusive="membership_id, team_id")
