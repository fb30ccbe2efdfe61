"""What a process does beside its requests: how it is stopped, and read ahead of who works on it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from app.core.background import ahead, stop

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


async def test_what_comes_next_is_under_way_while_one_works_on_this_one() -> None:
    begun: list[int] = []

    async def source() -> AsyncGenerator[int, None]:
        for number in range(4):
            begun.append(number)
            await asyncio.sleep(0)
            yield number

    found = []
    async for number in ahead(source()):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        found.append((number, len(begun)))
    assert found == [(0, 2), (1, 3), (2, 4), (3, 4)]


async def test_who_reads_no_further_ends_what_is_under_way() -> None:
    ended: list[str] = []

    async def source() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            ended.append("source")

    async with aclosing(ahead(source())) as parts:
        assert await anext(parts) == 1
    assert ended == ["source"]


async def test_a_source_that_fails_fails_for_who_reads_on() -> None:
    async def source() -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError("the database is away")

    parts = ahead(source())
    assert await anext(parts) == 1
    with pytest.raises(RuntimeError, match="away"):
        await anext(parts)
