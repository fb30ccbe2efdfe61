"""Work that many ask for at once, done once for all of them."""

import asyncio
from collections.abc import Awaitable, Callable

from app.core.background import seen


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
