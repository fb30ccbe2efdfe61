"""What is under way in the database beside the requests, and is no job."""

from app.core.database.engine import Database
from app.models.imports import ImportRun, ImportState


async def running_imports(database: Database) -> int:
    return await database.collection(ImportRun).count_documents({"state": ImportState.RUNNING.value})
