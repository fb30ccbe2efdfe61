"""Point reads that arrive in one tick of the event loop, taken together into one query."""

import asyncio
from collections.abc import Mapping

from pymongo.asynchronous.collection import AsyncCollection

from app.core.documents import Doc

MAX_TOGETHER = 100


class PointReader:
    """Reads documents of one collection by id, with one projection.

    Under load a driver's round trip costs far more than a document, so that reads which are waiting for the
    same thing share one.
    """

    def __init__(self, collection: AsyncCollection[Doc], projection: Doc) -> None:
        self._collection = collection
        self._projection = projection
        self._waiting: dict[str, asyncio.Future[Doc | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, id_: str) -> Doc | None:
        """The document, or None. It may be shared with other callers: never change it."""
        future = self._waiting.get(id_)
        if future is None:
            loop = asyncio.get_running_loop()
            if not self._waiting:
                loop.call_soon(self._start)
            future = self._waiting[id_] = loop.create_future()
        # A caller that leaves must not take the others' answer along.
        return await asyncio.shield(future)

    def _start(self) -> None:
        waiting, self._waiting = self._waiting, {}
        ids = list(waiting)
        for begin in range(0, len(ids), MAX_TOGETHER):
            part = {id_: waiting[id_] for id_ in ids[begin : begin + MAX_TOGETHER]}
            task = asyncio.create_task(self._read(part))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read(self, waiting: dict[str, asyncio.Future[Doc | None]]) -> None:
        try:
            answers: Mapping[str, Doc | Exception] = await self._find(list(waiting))
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody who waits must hear of it
            answers = dict.fromkeys(waiting, error)
        _settle(waiting, answers)

    async def _find(self, ids: list[str]) -> dict[str, Doc]:
        if len(ids) == 1:
            doc = await self._collection.find_one({"_id": ids[0]}, self._projection)
            return {} if doc is None else {ids[0]: doc}
        cursor = self._collection.find({"_id": {"$in": ids}}, self._projection, batch_size=len(ids) + 1)
        return {doc["_id"]: doc for doc in await cursor.to_list()}


def _settle(
    waiting: Mapping[str, asyncio.Future[Doc | None]], answers: Mapping[str, Doc | Exception]
) -> None:
    for id_, future in waiting.items():
        if future.done():
            continue
        answer = answers.get(id_)
        if isinstance(answer, Exception):
            future.set_exception(answer)
            future.exception()  # seen, even where all callers have left
        else:
            future.set_result(answer)
