"""Point reads that arrive at the same time, taken together into one query."""

from collections.abc import Collection

from pymongo.asynchronous.collection import AsyncCollection

from app.core.documents import Doc
from app.core.rounds import Together


class PointReader:
    """Reads documents of one collection by id, with one projection.

    Under load a driver's round trip costs far more than a document, so that reads which are waiting for the
    same thing share one.
    """

    def __init__(self, collection: AsyncCollection[Doc], projection: Doc) -> None:
        self._collection = collection
        self._projection = projection
        self._together = Together(self._find)

    async def get(self, id_: str) -> Doc | None:
        """The document, or None. It may be shared with other callers: never change it."""
        return await self._together(id_)

    async def _find(self, ids: Collection[str]) -> dict[str, Doc]:
        if len(ids) == 1:
            (id_,) = ids
            doc = await self._collection.find_one({"_id": id_}, self._projection)
            return {} if doc is None else {id_: doc}
        query = {"_id": {"$in": list(ids)}}
        cursor = self._collection.find(query, self._projection, batch_size=len(ids) + 1)
        return {doc["_id"]: doc for doc in await cursor.to_list()}
