"""Work that many ask for at once, done once for all of them."""

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

from app.core.background import seen

K = TypeVar("K")
V = TypeVar("V")
MOST_TOGETHER = 100
PATIENCE_SECONDS = 0.02
"""So long is waited for queries under way: one that stands still must not hold up the others."""


class Rounds:
    """Whoever asks waits for a round that begins from then on, together with all who ask until it begins."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._current: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        """Raises what the work raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._run(self._current))
            self._next.add_done_callback(seen)
        # One who leaves must not take the others' round along.
        await asyncio.shield(self._next)

    async def _run(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait({before})
        self._current, self._next = self._next, None
        await self._work()


class Together(Generic[K, V]):
    """Questions that arrive in one tick of the event loop, taken together into one query.

    With `at_once`, those wait for a moment that come while so many queries are under way: the more there are,
    the fewer queries they need.
    """

    def __init__(
        self, answer: Callable[[Collection[K]], Awaitable[Mapping[K, V]]], *, at_once: int = sys.maxsize
    ) -> None:
        self._answer = answer
        self._at_once = at_once
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, key: K) -> V | None:
        """What is found for a key, None for nothing; raises what the query raises.

        It may be shared with others who ask: never change it.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._start)
        # One's own, as one who leaves must not take the others' answer along.
        future: asyncio.Future[V | None] = loop.create_future()
        self._waiting.setdefault(key, []).append(future)
        return await future

    def _start(self) -> None:
        self._start_some(self._at_once)
        if self._waiting:
            key, futures = next(iter(self._waiting.items()))
            asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._start_late, key, futures)

    def _start_late(self, key: K, futures: "list[asyncio.Future[V | None]]") -> None:
        if self._waiting.get(key) is futures:
            self._start_some(sys.maxsize)

    def _start_some(self, at_once: int) -> None:
        while self._waiting and len(self._tasks) < at_once:
            keys = list(itertools.islice(self._waiting, MOST_TOGETHER))
            task = asyncio.create_task(self._settle({key: self._waiting.pop(key) for key in keys}))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._start()

    async def _settle(self, waiting: Mapping[K, list[asyncio.Future[V | None]]]) -> None:
        try:
            found = await self._answer(waiting.keys())
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody who waits must hear of it
            for future in itertools.chain.from_iterable(waiting.values()):
                if not future.done():
                    future.set_exception(error)
            return
        for key, futures in waiting.items():
            for future in futures:
                if not future.done():
                    future.set_result(found.get(key))
