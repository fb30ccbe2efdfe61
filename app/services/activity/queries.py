"""Reads of the log."""

from app.core.documents import Doc
from app.core.log import Event, event_id
from app.services.access import Scope

_SHOWN = {"_id": 0, "seq": 1, "at": 1, "actor": 1, "source": 1, "command": 1, "ops": 1}


async def event(scope: Scope, seq: int) -> Doc | None:
    return await scope.database.collection(Event).find_one({"_id": event_id(scope.workspace_id, seq)}, _SHOWN)


async def of_ref(scope: Scope, ref: str, before: int | None, limit: int) -> list[Doc]:
    """The events that touch a document or what belongs to it, the newest first."""
    query: Doc = {"workspace_id": scope.workspace_id, "refs": ref}
    if before is not None:
        query["seq"] = {"$lt": before}
    cursor = scope.database.collection(Event).find(
        query, _SHOWN, sort=[("seq", -1)], limit=limit, batch_size=limit, hint="events_by_ref"
    )
    return await cursor.to_list()
