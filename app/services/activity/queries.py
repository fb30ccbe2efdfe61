"""Reads of the log."""

from collections.abc import Collection

from app.core.documents import Doc
from app.core.log import Event, event_id
from app.models.tasks import Task
from app.services.access import Scope

_SHOWN = {"seq": 1, "at": 1, "actor": 1, "source": 1, "command": 1, "ops": 1}


async def event(scope: Scope, seq: int) -> Doc | None:
    return await scope.database.collection(Event).find_one({"_id": event_id(scope.workspace_id, seq)}, _SHOWN)


async def events(scope: Scope, ref: str | None, before: int | None, limit: int) -> list[Doc]:
    """All events, or those that touch a document or what belongs to it; the newest first."""
    query, hint = _of(scope, ref)
    if before is not None:
        query["seq"] = {"$lt": before}
    cursor = scope.database.collection(Event).find(
        query, _SHOWN, sort=[("seq", -1)], limit=limit, batch_size=limit, hint=hint
    )
    return await cursor.to_list()


async def count(scope: Scope, ref: str | None) -> int:
    query, hint = _of(scope, ref)
    return await scope.database.collection(Event).count_documents(query, hint=hint)


async def projects_of_tasks(scope: Scope, task_ids: Collection[str]) -> dict[str, str]:
    """The projects that tasks are in, whoever may see them."""
    found = scope.database.collection(Task).find(
        {"_id": {"$in": list(task_ids)}, "workspace_id": scope.workspace_id}, {"project_id": 1}
    )
    return {doc["_id"]: doc["project_id"] for doc in await found.to_list()}


def _of(scope: Scope, ref: str | None) -> tuple[Doc, str]:
    """The query, and the index that gives what it finds in its order."""
    if ref is None:
        return {"workspace_id": scope.workspace_id}, "events_by_seq"
    return {"workspace_id": scope.workspace_id, "refs": ref}, "events_by_ref"
