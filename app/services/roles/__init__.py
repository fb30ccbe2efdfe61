"""Custom roles."""

from app.services.roles.engine import RoleEngine, check_role_name, check_unused, require_role

__all__ = ["RoleEngine", "check_role_name", "check_unused", "require_role"]
