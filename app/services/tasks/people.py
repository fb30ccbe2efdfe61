"""The people that tasks name, where one of them turns out to be another."""

from collections.abc import Sequence

from app.core.database.engine import Database
from app.core.unit_of_work import Work
from app.models.tasks import Task
from app.services.tasks import queries, rules


async def tasks_naming(database: Database, workspace_id: str, membership_id: str) -> list[str]:
    """The tasks that somebody reports or is assigned to, wherever they are kept."""
    return await queries.naming(database, workspace_id, membership_id)


async def pass_tasks_on(work: Work, task_ids: Sequence[str], former_id: str, membership_id: str) -> None:
    """Have tasks name somebody else in the place of the former one."""
    for task in await work.get_many(Task, task_ids):
        reporter_id = membership_id if task.reporter_id == former_id else task.reporter_id
        assignee_ids = rules.replaced(task.assignee_ids, former_id, membership_id)
        work.update(task, reporter_id=reporter_id, assignee_ids=assignee_ids)
