"""Projects."""

from app.services.projects.engine import ProjectEngine

__all__ = ["ProjectEngine"]
