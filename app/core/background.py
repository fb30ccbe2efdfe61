"""What a process does beside its requests."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

AGAIN_SECONDS = 0.1

T = TypeVar("T")


async def stop(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task and wait for its end, whatever that is.

    The driver may swallow a cancellation that comes together with an answer, so one may not be enough.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_SECONDS)


def seen(task: asyncio.Task[Any]) -> None:
    """A callback for a task that others wait for: what it raises is theirs, even where all have left."""
    if not task.cancelled():
        task.exception()


async def ahead(source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """What a source gives, none of which is None: the next is under way while one works on this one.

    To be closed, as the source is then, where it is not read to the end.
    """
    coming = asyncio.create_task(_next(source))
    try:
        while (found := await coming) is not None:
            coming = asyncio.create_task(_next(source))
            yield found
    finally:
        await stop(coming)
        await source.aclose()


async def _next(source: AsyncGenerator[T, None]) -> T | None:
    return await anext(source, None)


def run_now(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run a coroutine at once, up to where it waits; gives the task of its rest, None where it has ended.

    That saves a task where it rarely waits. Python 3.12 calls it an eager task. Until it first waits, it must
    not ask for the current task, as timeouts do.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    return asyncio.create_task(_finish(coroutine, waits_for))


async def _finish(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await _Rest(coroutine, waits_for)


class _Rest:
    """What is left of a coroutine that waits for something already."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        step: Callable[[], Any]
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                self._coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001 - as `yield from` does
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, sent)
            try:
                waits_for = step()
            except StopIteration:
                return
