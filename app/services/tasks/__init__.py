"""Tasks: the work itself."""

from app.services.tasks.engine import TaskEngine
from app.services.tasks.rules import TaskFilter

__all__ = ["TaskEngine", "TaskFilter"]
