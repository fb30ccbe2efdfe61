"""All access to the tasks' collection."""

from typing import Any

from app.core.database.engine import Database
from app.core.documents import Doc, SentOn
from app.core.errors import not_found
from app.core.unit_of_work import Work
from app.models.tasks import State, Task
from app.services.access import Page, PageRequest, Scope
from app.services.tasks import rules
from app.services.tasks.rules import TaskFilter
from app.utils.ids import is_id
from app.utils.text import upper_ascii

MAX_MERGED = 100
"""Lists that the database merges in order; of more it would sort everything."""
_HIDDEN = dict.fromkeys(Task.INTERNAL, 0)


def _all_of(list_id: str) -> Doc:
    """All tasks on the list of a project, label or status, put away or not."""
    return {"derived.state": {"$in": list(State)}, "derived.lists": list_id}


def _by_ref(ref: str) -> Doc:
    return {"_id": ref} if is_id(ref) else {"keys": upper_ascii(ref)}


async def get(scope: Scope, ref: str) -> SentOn | None:
    """A task by its id, its key or a former key. Reads by id that arrive together share a query."""
    if is_id(ref):
        return await scope.collection(Task).read_sent_on(ref, _HIDDEN)
    return await scope.collection(Task).find_one_sent_on(_by_ref(ref), _HIDDEN)


async def resolve(scope: Scope, ref: str) -> str:
    """The id behind an id or key; raises `not_found` for a key that no task has. Keys never change hands."""
    if is_id(ref):
        return ref
    found = await scope.collection(Task).find_one(_by_ref(ref), {"_id": 1})
    if found is None:
        raise not_found("task")
    return str(found["_id"])


async def page(
    scope: Scope, wanted: TaskFilter, sort: str, request: PageRequest, *, descending: bool, described: bool
) -> Page:
    """A list in its order, off one index; descriptions only where asked for, as they may be long."""
    order = rules.order_for(sort, descending=descending)
    hidden = {"keys": 0, "derived.lists": 0} if order.field.startswith("derived.") else _HIDDEN
    tasks, query, hint = scope.collection(Task), rules.query(wanted, _everything(scope)), f"tasks_by_{sort}"
    if described:
        return await tasks.page(query, order, request, projection=hidden, hint=hint)
    return await tasks.page_sent_on(query, order, request, projection={**hidden, "description": 0}, hint=hint)


def _everything(scope: Scope) -> Any:
    """The list of all tasks that one sees: the workspace's, or those of the projects where these are few."""
    readable = scope.standing.readable(Task.KIND)
    return scope.workspace_id if readable is None or len(readable) > MAX_MERGED else {"$in": list(readable)}


async def neighbour(work: Work, task: Task, *, project_id: str, rank: str, above: bool) -> Task | None:
    """The next other task of the project's order, above or below a rank."""
    query: Doc = {
        **_all_of(project_id),
        "rank": {"$lt" if above else "$gt": rank},
        "_id": {"$ne": task.id},
    }
    found = await work.find(Task, query, [("rank", -1 if above else 1)], limit=1)
    return found[0] if found else None


async def rank_taken(work: Work, task: Task, project_id: str, rank: str) -> bool:
    """Whether another task of a project has the rank."""
    query: Doc = {**_all_of(project_id), "rank": rank, "_id": {"$ne": task.id}}
    return await work.count(Task, query, 1) > 0


async def on_list(work: Work, list_id: str, limit: int) -> list[Task]:
    """The tasks that a label or team has."""
    return await work.find(Task, _all_of(list_id), limit=limit)


async def count_with_status(work: Work, status_id: str, limit: int) -> int:
    return await work.count(Task, _all_of(status_id), limit)


async def naming(database: Database, workspace_id: str, membership_id: str) -> list[str]:
    """The tasks of any state that name somebody: no index has the reporters, so all are looked through."""
    either = [{"assignee_ids": membership_id}, {"reporter_id": membership_id}]
    found = database.collection(Task).find({"workspace_id": workspace_id, "$or": either}, {"_id": 1})
    return [doc["_id"] for doc in await found.to_list()]
