"""What a custom role may hold. Pure."""

from collections.abc import Iterable

from app.core.errors import ErrorCode as E
from app.core.errors import FieldCode, FieldError, PastisError
from app.models.permissions import Permission
from app.services.access.rules import closed

KEPT_BACK = frozenset(
    {
        Permission.INVITATION_CREATE,
        Permission.MEMBERSHIP_CREATE,
        Permission.MEMBERSHIP_UPDATE,
        Permission.ROLE_CREATE,
        Permission.ROLE_DELETE,
        Permission.ROLE_UPDATE,
        Permission.TEAM_UPDATE,
        Permission.TOKEN_CREATE,
        Permission.TOKEN_DELETE,
        Permission.TOKEN_READ,
    }
)
"""For admins alone: with them one could give oneself, or use through others, what others have.

By a role that permits more, a team that has grants, a placeholder that leads a project, or a token.
"""


def chosen(permissions: Iterable[Permission]) -> list[str]:
    """A role's permissions in order, with the reading that they need; raises `validation_failed`."""
    wanted = list(permissions)
    why = {"reason": "kept_back", "choices": ", ".join(sorted(KEPT_BACK))}
    errors = [
        FieldError(f"/permissions/{number}", FieldCode.REFUSED, why)
        for number, one in enumerate(wanted)
        if one in KEPT_BACK
    ]
    if errors:
        raise PastisError(E.VALIDATION_FAILED, errors=errors)
    return sorted(one.value for one in closed(wanted))
