"""Accounts as a whole: put to rest, or deleted with all that is personal."""

from app.services.accounts.engine import AccountEngine

__all__ = ["AccountEngine"]
