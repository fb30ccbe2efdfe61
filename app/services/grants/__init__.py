"""Grants: who has which role in a project."""

from app.services.grants.engine import GrantEngine, add_grant, check_give

__all__ = ["GrantEngine", "add_grant", "check_give"]
