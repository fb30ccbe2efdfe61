"""Statuses: the columns of a project's board."""

from app.services.statuses.engine import StatusEngine, add_statuses, project_statuses

__all__ = ["StatusEngine", "add_statuses", "project_statuses"]
