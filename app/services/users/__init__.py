"""Accounts."""

from app.services.users.engine import UserEngine

__all__ = ["UserEngine"]
