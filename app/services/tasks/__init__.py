"""Tasks: the work itself."""

from app.services.tasks.engine import TaskEngine, project_of, resolve_task

__all__ = ["TaskEngine", "project_of", "resolve_task"]
