"""Live queries: a result that follows the local view."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Generic, TypeVar

from pastis_client.documents import Doc
from pastis_client.errors import ClosedError
from pastis_client.optimism import View

D = TypeVar("D")


class Query(Generic[D]):
    """The documents of a kind that match, in order.

    `result` is the present one. `async for result in query` gives it and then each other one; who is slow
    gets the latest. It ends with the workspace, by the error that ended it, and by one of `where` or `sort`.
    """

    def __init__(
        self, view: View, kind: str, where: Callable[[Any], bool], sort: Callable[[Any], Any]
    ) -> None:
        self.kind = kind
        self._view = view
        self._where = where
        self._sort = sort
        self._found: dict[str, Doc] = {doc["id"]: doc for doc in view.of_kind(kind) if where(doc)}
        self._revision = 0
        self._woken = asyncio.Event()
        self._ended: Exception | None = None
        self.result: list[D] = self._sorted()

    def refresh(self, ids: Iterable[str]) -> None:
        """Look again at these documents of its kind, which may have changed."""
        try:
            changed = [self._look(id_) for id_ in ids]
            if any(changed):
                self.result = self._sorted()
                self._revision += 1
                self._wake()
        except Exception as error:  # noqa: BLE001 - a fault of `where` or `sort` ends this query alone
            self.end(error)

    def end(self, error: Exception) -> None:
        self._ended = self._ended or error
        self._wake()

    async def __aiter__(self) -> AsyncIterator[list[D]]:
        seen = None
        while self._ended is None:
            if seen == self._revision:
                await self._woken.wait()
                continue
            seen = self._revision
            yield self.result
        if not isinstance(self._ended, ClosedError):
            raise self._ended

    def _look(self, id_: str) -> bool:
        doc = self._view.get(self.kind, id_)
        former = self._found.pop(id_, None)
        if doc is not None and self._where(doc):
            self._found[id_] = doc
        return self._found.get(id_) != former

    def _sorted(self) -> list[Any]:
        return sorted(self._found.values(), key=lambda doc: (self._sort(doc), doc["id"]))

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()
