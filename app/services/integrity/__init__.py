"""Whether the database is what its log says."""

from app.services.integrity.engine import Report, check_all, check_workspace

__all__ = ["Report", "check_all", "check_workspace"]
