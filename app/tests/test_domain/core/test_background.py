"""A task that does not hear the first time is asked again."""

import asyncio

import pytest

from app.core.background import stop

pytestmark = pytest.mark.anyio


async def test_a_swallowed_cancellation_is_repeated() -> None:
    heard = 0

    async def deaf() -> None:
        nonlocal heard
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                heard += 1
                if heard == 3:
                    raise

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await stop(task)
    assert (heard, task.cancelled()) == (3, True)


async def test_nothing_and_what_has_ended_need_no_stopping() -> None:
    await stop(None)
    ended = asyncio.create_task(asyncio.sleep(0))
    await ended
    await stop(ended)
    assert not ended.cancelled()
