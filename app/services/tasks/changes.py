"""Changing a task's fields inside a command; what a patch, a ranking and an undo have in common."""

from collections.abc import Collection, Sequence

from app.core.documents import Doc
from app.core.errors import not_found
from app.core.unit_of_work import Work
from app.models.labels import Label
from app.models.memberships import Membership
from app.models.statuses import Status
from app.models.tasks import Task
from app.models.teams import Team
from app.services.tasks import queries, rules
from app.utils import ranks


async def apply_changes(work: Work, task: Task, changes: Doc) -> Task:
    """The task with these fields changed and all that follows from them.

    Raises `not_found` for what they name and is not there, `cycle` and `validation_failed`.
    """
    rules.check_dates(changes.get("start_date", task.start_date), changes.get("due_date", task.due_date))
    fresh = {name: value for name, value in changes.items() if value != getattr(task, name)}
    await check_references(work, task.id, fresh)
    if "status_id" in fresh:
        status = await work.require(Status, fresh["status_id"])
        if status.project_id != task.project_id:
            raise not_found("status")
        fresh |= rules.status_changes(status, work.now, task)
    return work.update(task, **fresh)


async def check_references(work: Work, task_id: str, fields: Doc) -> None:
    """Raises `not_found` for a label, person or parent that this workspace does not have."""
    label_ids = fields.get("label_ids") or []
    if len(await work.get_many(Label, label_ids)) != len(label_ids):
        raise not_found("label")
    person_ids = {*(fields.get("assignee_ids") or []), fields.get("reporter_id")} - {None}
    people = await work.get_many(Membership, person_ids)
    if any(one.removed_at is not None for one in people):
        raise not_found("membership")
    await _check_teams(work, person_ids - {one.id for one in people}, fields.get("assignee_ids") or [])
    if fields.get("parent_id") is not None:
        await _check_parent(work, task_id, fields["parent_id"])


async def _check_teams(work: Work, ids: Collection[str], assignee_ids: Sequence[str]) -> None:
    """Raises `not_found` unless these are teams; they may be assigned, and report nothing."""
    if ids and (len(await work.get_many(Team, ids)) != len(ids) or not set(ids) <= set(assignee_ids)):
        raise not_found("membership")


async def _check_parent(work: Work, task_id: str, parent_id: str) -> None:
    parent = await work.require(Task, parent_id)
    if parent.trashed_at is not None:
        raise not_found("task")
    ancestors = [parent]
    rules.check_parents(task_id, ancestors)
    while ancestors[-1].parent_id is not None:
        ancestors.append(await work.require(Task, ancestors[-1].parent_id))
        rules.check_parents(task_id, ancestors)


async def free_task_rank(work: Work, task: Task, project_id: str, rank: str) -> str:
    """The rank, or the next free place behind it where another task of the project has it by now."""
    if not await queries.rank_taken(work, task, project_id, rank):
        return rank
    behind = await queries.neighbour(work, task, project_id=project_id, rank=rank, above=False)
    return ranks.between(rank, behind.rank if behind else None)
