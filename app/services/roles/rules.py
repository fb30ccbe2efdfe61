"""What a custom role may hold. Pure."""

from collections.abc import Iterable

from app.core.errors import ErrorCode as E
from app.core.errors import FieldCode, FieldError, PastisError
from app.models.permissions import Permission
from app.services.access.rules import closed

KEPT_BACK = frozenset({Permission.ROLE_CREATE, Permission.ROLE_DELETE, Permission.ROLE_UPDATE})
"""For admins alone: with them, one could give oneself everything else."""


def chosen(permissions: Iterable[Permission]) -> list[str]:
    """A role's permissions in order, with the reading that they need; raises `validation_failed`."""
    wanted = list(permissions)
    errors = [
        FieldError(f"/permissions/{number}", FieldCode.REFUSED)
        for number, one in enumerate(wanted)
        if one in KEPT_BACK
    ]
    if errors:
        raise PastisError(E.VALIDATION_FAILED, errors=errors)
    return sorted(one.value for one in closed(wanted))
