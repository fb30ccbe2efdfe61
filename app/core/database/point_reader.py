"""Point reads that arrive at the same time, taken together into one query."""

from collections.abc import Collection
from typing import cast

from pymongo.asynchronous.collection import AsyncCollection

from app.core.database.sent_on import split, whole
from app.core.documents import Doc, Entity, SentOn
from app.core.rounds import Together

AT_ONCE = 2
"""Queries under way: while one is answered, another gathers those who come."""


class PointReader:
    """Reads documents of one collection by id, with one projection, to be sent on.

    Under load a driver's round trip costs far more than a document, so that reads which are waiting for the
    same thing share one.
    """

    def __init__(self, collection: AsyncCollection[Doc], model: type[Entity], projection: Doc) -> None:
        self._collection = collection
        self._model = model
        self._projection = projection
        self._together = Together(self._find, at_once=AT_ONCE)

    async def get(self, id_: str) -> SentOn | None:
        """The document, or None."""
        return await self._together(id_)

    async def _find(self, ids: Collection[str]) -> dict[str, SentOn]:
        query = {"_id": next(iter(ids)) if len(ids) == 1 else {"$in": list(ids)}}
        batches = self._collection.find_raw_batches(query, self._projection, limit=-len(ids))
        # The driver's types say that a batch is a document.
        docs = [doc async for batch in batches for doc in split(cast("bytes", batch))]
        return {one.place["_id"]: one for one in (whole(self._model, doc) for doc in docs)}
