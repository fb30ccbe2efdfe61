"""Memberships: the people of a workspace."""

from app.services.memberships.engine import MembershipEngine

__all__ = ["MembershipEngine"]
