"""Memberships: the people of a workspace."""

from app.services.memberships.arrivals import arrive, former_of, require_placeholder
from app.services.memberships.departures import Departures
from app.services.memberships.engine import MembershipEngine, check_change
from app.services.memberships.groups import GroupMemberships

__all__ = [
    "Departures",
    "GroupMemberships",
    "MembershipEngine",
    "arrive",
    "check_change",
    "former_of",
    "require_placeholder",
]
