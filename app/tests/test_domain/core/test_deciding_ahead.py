"""While a transaction commits, the next one decides on what it leaves, and is never believed too early."""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import Command, Outcome, Work
from app.core.unit_of_work.ground import Ground
from app.models.labels import Label
from app.tests.support import bench as on
from app.tests.support.bench import Bench

pytestmark = pytest.mark.anyio

commit = AsyncClientSession.commit_transaction


class SlowCommit:
    """Holds the first commit until it is let go, then commits or rolls back."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.released = asyncio.Event()
        self.fails = False
        self.error = OperationFailure("it was rolled back", 8000)

    async def __call__(self, session: AsyncClientSession) -> None:
        if self.begun.is_set():
            await commit(session)
            return
        self.begun.set()
        await self.released.wait()
        if self.fails:
            await session.abort_transaction()
            raise self.error
        await commit(session)


@pytest.fixture
async def label(bench: Bench) -> str:
    """Made when the process knows that nobody else writes."""
    for word in ("Accessibility", "Uploader"):
        await bench.run(on.create(word))
    return str((await bench.run(on.create("Pager"))).value.id)


@pytest.fixture
def slow(label: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowCommit]:
    slow = SlowCommit()

    async def hold(session: AsyncClientSession) -> None:
        await slow(session)

    monkeypatch.setattr(AsyncClientSession, "commit_transaction", hold)
    yield slow
    slow.released.set()


async def behind(
    bench: Bench, slow: SlowCommit, first: Command[Any], second: Command[Any], key: str | None = None
) -> list[Any]:
    """Run two commands, the second decided upon while the first one commits."""
    decided = asyncio.Event()

    async def decide(work: Work) -> Any:
        try:
            return await second.decide(work)
        finally:
            decided.set()

    ahead = asyncio.create_task(bench.run(first, idempotency_key=key))
    await asyncio.sleep(0.001)  # taken, and alone
    after = asyncio.create_task(bench.run(Command(second.name, decide, second.reads), idempotency_key=key))
    async with asyncio.timeout(5):
        await slow.begun.wait()
        if key is None:
            await decided.wait()
        else:
            await asyncio.sleep(0.05)
    assert not ahead.done()
    assert not after.done()
    slow.released.set()
    return list(await asyncio.gather(ahead, after, return_exceptions=True))


async def test_the_next_one_goes_by_what_the_one_before_leaves(
    bench: Bench, label: str, slow: SlowCommit
) -> None:
    first, second = await behind(bench, slow, on.append(label, "a"), on.append(label, "b"))
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    assert (first.seq, second.seq) == (5, 6)
    assert (await bench.label(label))["description"] == "ab"
    assert await bench.head() == 6


async def test_it_decides_again_where_the_one_before_failed(
    bench: Bench, label: str, slow: SlowCommit
) -> None:
    slow.fails = True
    first, second = await behind(bench, slow, on.append(label, "a"), on.append(label, "b"))
    assert isinstance(first, OperationFailure)
    assert isinstance(second, Outcome)
    assert second.seq == 5
    assert (await bench.label(label))["description"] == "b"
    assert await bench.head() == 5


async def test_it_decides_again_where_the_one_before_did_in_the_end_something_else(
    bench: Bench, label: str, slow: SlowCommit
) -> None:
    """With as many numbers and writes as the first time, so that the head is the one that was expected."""
    slow.fails = True
    slow.error._add_error_label("TransientTransactionError")
    words = iter(("never", "a"))

    async def decide(work: Work) -> Label:
        found = await work.require(Label, label)
        return work.update(found, description=next(words))

    first, second = await behind(bench, slow, Command("label.update", decide), on.append(label, "b"))
    assert (first.seq, second.seq) == (5, 6)
    assert (await bench.label(label))["description"] == "ab"


async def test_it_refuses_nobody_for_what_did_not_happen(bench: Bench, label: str, slow: SlowCommit) -> None:
    slow.fails = True
    first, second = await behind(bench, slow, on.remove(label), on.append(label, "b"))
    assert isinstance(first, OperationFailure)
    assert isinstance(second, Outcome)
    assert (await bench.label(label))["description"] == "b"


async def test_what_the_one_before_removed_is_gone(bench: Bench, label: str, slow: SlowCommit) -> None:
    first, second = await behind(bench, slow, on.remove(label), on.append(label, "b"))
    assert isinstance(first, Outcome)
    assert isinstance(second, PastisError)
    assert second.code is ErrorCode.NOT_FOUND


async def test_a_request_sent_again_while_it_commits_is_done_once(
    bench: Bench, label: str, slow: SlowCommit
) -> None:
    first, second = await behind(bench, slow, on.append(label, "a"), on.append(label, "a"), key="a-key")
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    assert (first.replayed, second.replayed, first.seq, second.seq) == (False, True, 5, 5)
    assert (await bench.label(label))["description"] == "a"


async def test_the_one_before_is_answered_where_the_next_cannot_begin(
    bench: Bench, label: str, slow: SlowCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer waits for the next one's first write, which may never be sent."""
    move, calls = Ground.move, count()

    async def fail(ground: Ground, events: int) -> Any:
        if next(calls) == 1:
            raise OperationFailure("not allowed", 13)
        return await move(ground, events)

    monkeypatch.setattr(Ground, "move", fail)
    first, second = await behind(bench, slow, on.append(label, "a"), on.append(label, "b"))
    assert isinstance(first, Outcome)
    assert isinstance(second, OperationFailure)
    assert (await bench.label(label))["description"] == "a"
