"""Point reads that arrive at the same time, taken together into one query."""

from collections.abc import Collection

from pymongo.asynchronous.collection import AsyncCollection

from app.core.database.sent_on import bytes_of, whole
from app.core.documents import Doc, Entity, SentOn
from app.core.rounds import Together

AT_ONCE = 1
"""Queries under way: those who come meanwhile go together."""


class PointReader:
    """Reads documents of one collection by id, with one projection, to be sent on.

    Under load a driver's round trip costs far more than a document, so that reads which are waiting for the
    same thing share one.
    """

    def __init__(self, collection: AsyncCollection[Doc], model: type[Entity], projection: Doc) -> None:
        """The collection must be one of `Database.in_bytes`."""
        self._collection = collection
        self._model = model
        self._projection = projection
        self._together = Together(self._find, at_once=AT_ONCE)

    async def get(self, id_: str) -> SentOn | None:
        """The document, or None."""
        return await self._together(id_)

    async def _find(self, ids: Collection[str]) -> dict[str, SentOn]:
        query = {"_id": next(iter(ids)) if len(ids) == 1 else {"$in": list(ids)}}
        docs = await self._collection.find(query, self._projection, limit=-len(ids)).to_list()
        return {one.place["_id"]: one for one in (whole(self._model, bytes_of(doc)) for doc in docs)}
