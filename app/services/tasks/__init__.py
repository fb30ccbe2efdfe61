"""Tasks: the work itself."""

from app.services.tasks.engine import TaskEngine, resolve_task
from app.services.tasks.rules import TaskFilter

__all__ = ["TaskEngine", "TaskFilter", "resolve_task"]
