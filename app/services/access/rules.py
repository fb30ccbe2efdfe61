"""Which role may do what, and how fresh a login must be. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from app.models.memberships import Role
from app.services.access.permissions import Permission

_ADMIN_ONLY = frozenset(
    {
        Permission.IMPORT_CREATE,
        Permission.LABEL_DELETE,
        Permission.MEMBERSHIP_CREATE,
        Permission.MEMBERSHIP_DELETE,
        Permission.MEMBERSHIP_UPDATE,
        Permission.PROJECT_CREATE,
        Permission.PROJECT_UPDATE,
        Permission.STATUS_CREATE,
        Permission.STATUS_DELETE,
        Permission.STATUS_UPDATE,
        Permission.WORKSPACE_UPDATE,
    }
)

GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),
    Role.MEMBER: frozenset(Permission) - _ADMIN_ONLY,
}

_RANKS = {Role.MEMBER: 0, Role.ADMIN: 1, Role.OWNER: 2}


RECENT = timedelta(minutes=10)
"""How long ago one may have proven who one is, for sensitive actions (OWASP ASVS 5.0, 7.5.1)."""


def is_recent(authenticated_at: datetime | None, now: datetime) -> bool:
    return authenticated_at is not None and now - authenticated_at <= RECENT


def allows(role: Role, permission: Permission) -> bool:
    return permission in GRANTS[role]


def may_manage(actor: Role, target: Role) -> bool:
    """Whether someone may give, change or take away a role: nobody reaches above their own."""
    return _RANKS[actor] >= _RANKS[target]
