"""Which role may do what. Pure."""

from collections.abc import Mapping

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


def allows(role: Role, permission: Permission) -> bool:
    return permission in GRANTS[role]


def may_manage(actor: Role, target: Role) -> bool:
    """Whether someone may give, change or take away a role: nobody reaches above their own."""
    return _RANKS[actor] >= _RANKS[target]
