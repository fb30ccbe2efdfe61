"""Single sign-on: people whom another system knows."""

from app.services.identities.engine import LIFETIME, IdentityEngine, Returned, Started

__all__ = ["LIFETIME", "IdentityEngine", "Returned", "Started"]
