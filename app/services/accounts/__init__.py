"""Accounts as a whole: put to rest, or deleted with all that is personal."""

from app.services.accounts.engine import AccountEngine
from app.services.accounts.jobs import AccountJobs

__all__ = ["AccountEngine", "AccountJobs"]
