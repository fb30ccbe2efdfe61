"""Tasks: the work itself."""

from app.services.tasks.engine import TaskEngine, resolve_task

__all__ = ["TaskEngine", "resolve_task"]
