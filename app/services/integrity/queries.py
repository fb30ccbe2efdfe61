"""Reads whole workspaces, for checking."""

from collections.abc import AsyncIterator

from app.core.database.engine import Database
from app.core.documents import Doc, Entity
from app.core.log import Event, Head
from app.models import ENTITIES


async def heads(database: Database) -> list[Doc]:
    return await database.collection(Head).find({}).sort("_id").to_list()


async def events(database: Database, workspace_id: str) -> AsyncIterator[Doc]:
    """The whole log in order."""
    async for event in database.in_naive_times(Event).find({"workspace_id": workspace_id}).sort("seq", 1):
        yield event


async def documents(database: Database, workspace_id: str) -> AsyncIterator[tuple[type[Entity], Doc]]:
    """Every document of a workspace, as it is stored."""
    for model in ENTITIES.values():
        async for doc in database.in_naive_times(model).find({"workspace_id": workspace_id}):
            yield model, doc
