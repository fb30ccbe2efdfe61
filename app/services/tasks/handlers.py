"""What tasks do when labels and statuses go, inside the same command."""

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import Work
from app.models.tasks import Task
from app.services.tasks import queries

MAX_DETACHED = 5000
"""Tasks that one command may change: more would make an event too large to keep."""


async def detach_label(work: Work, op: Doc) -> None:
    """Take a deleted label off its tasks; raises `limit_reached` where there are too many."""
    for task in await _on_list(work, op["id"]):
        work.update(task, label_ids=[one for one in task.label_ids if one != op["id"]])


async def detach_team(work: Work, op: Doc) -> None:
    """Take a deleted team off the tasks that it was assigned to; raises `limit_reached`."""
    for task in await _on_list(work, op["id"]):
        work.update(task, assignee_ids=[one for one in task.assignee_ids if one != op["id"]])


async def _on_list(work: Work, list_id: str) -> list[Task]:
    tasks = await queries.on_list(work, list_id, MAX_DETACHED + 1)
    if len(tasks) > MAX_DETACHED:
        raise PastisError(ErrorCode.LIMIT_REACHED, kind="task", limit=MAX_DETACHED)
    return tasks


async def keep_used_status(work: Work, op: Doc) -> None:
    """Raises `in_use` while any task, put away or not, has the status."""
    count = await queries.count_with_status(work, op["id"], 1000)
    if count:
        raise PastisError(ErrorCode.IN_USE, kind="status", count=count)
