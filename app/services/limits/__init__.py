"""Limits: token buckets that all processes share."""

from app.services.limits.engine import LimitEngine, too_many
from app.services.limits.leases import Lease, Leases
from app.services.limits.rules import Purpose, network_of

__all__ = ["Lease", "Leases", "LimitEngine", "Purpose", "network_of", "too_many"]
