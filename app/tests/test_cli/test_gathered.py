"""What one turn of the event loop leaves for a client is sent at once, in order, and never lost."""

import asyncio

import pytest

from app.commands.gathered import MOST_BYTES, GatheredTransport

pytestmark = pytest.mark.anyio


class Recorded(asyncio.Transport):
    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")

    def is_closing(self) -> bool:
        return "closed" in self.done


@pytest.fixture
def inner() -> Recorded:
    return Recorded()


@pytest.fixture
async def transport(inner: Recorded) -> GatheredTransport:
    return GatheredTransport(inner, asyncio.get_running_loop())


async def test_what_one_turn_leaves_is_sent_once(inner: Recorded, transport: GatheredTransport) -> None:
    transport.write(b"head ")
    transport.write(b"body")
    assert inner.done == []
    await asyncio.sleep(0)
    assert inner.done == [b"head body"]
    transport.write(b"more")
    await asyncio.sleep(0)
    assert inner.done == [b"head body", b"more"]


async def test_what_is_much_does_not_wait(inner: Recorded, transport: GatheredTransport) -> None:
    transport.write(b"head")
    transport.write(b"x" * MOST_BYTES)
    assert inner.done == [b"head" + b"x" * MOST_BYTES]
    await asyncio.sleep(0)
    assert len(inner.done) == 1


async def test_whoever_closes_has_sent(inner: Recorded, transport: GatheredTransport) -> None:
    transport.write(b"last")
    transport.close()
    assert inner.done == [b"last", "closed"]
    assert transport.is_closing()


async def test_whoever_breaks_off_has_not(inner: Recorded, transport: GatheredTransport) -> None:
    transport.write(b"last")
    transport.abort()
    await asyncio.sleep(0)
    assert inner.done == ["aborted"]
