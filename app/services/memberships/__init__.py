"""Memberships: the people of a workspace."""

from app.services.memberships.engine import MembershipEngine, check_change

__all__ = ["MembershipEngine", "check_change"]
