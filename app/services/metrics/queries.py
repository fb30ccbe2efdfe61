"""What waits in the database for the jobs beside the requests."""

from datetime import datetime

from app.core.database.engine import Database
from app.models.imports import ImportRun, ImportState
from app.models.mails import Mail


async def mails(database: Database) -> dict[str, int]:
    """How many there are, by their state."""
    found = await database.collection(Mail).aggregate([{"$group": {"_id": "$state", "n": {"$sum": 1}}}])
    return {doc["_id"]: doc["n"] for doc in await found.to_list()}


async def oldest_mail(database: Database, state: str) -> datetime | None:
    """When the first of those was written that wait."""
    found = await database.collection(Mail).find_one({"state": state}, {"created_at": 1}, sort=[("_id", 1)])
    at: datetime | None = None if found is None else found["created_at"]
    return at


async def running_imports(database: Database) -> int:
    return await database.collection(ImportRun).count_documents({"state": ImportState.RUNNING.value})
