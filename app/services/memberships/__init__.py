"""Memberships: the people of a workspace."""

from app.services.memberships.departures import Departures
from app.services.memberships.engine import MembershipEngine, check_change
from app.services.memberships.groups import GroupMemberships

__all__ = ["Departures", "GroupMemberships", "MembershipEngine", "check_change"]
