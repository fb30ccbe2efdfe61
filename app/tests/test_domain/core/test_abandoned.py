"""What a process leaves behind that is killed in the middle of a transaction."""

import asyncio
from typing import Any

import pytest
from pymongo import _csot
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import ExecutionTimeout, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from app.core.errors import PastisError
from app.core.log import Head
from app.core.unit_of_work import abandoned
from app.core.unit_of_work.transaction import ABORT_SECONDS
from app.tests.support import bench as on
from app.tests.support.bench import Bench

pytestmark = pytest.mark.anyio


async def leave_open(bench: Bench) -> Any:
    """A transaction that holds the workspace's head and that nobody goes on with."""
    session = bench.database.session()
    await bench.database.begin(session)
    query = {"_id": bench.workspace_id}
    await bench.database.collection(Head).update_one(query, {"$inc": {"writes": 1}}, session=session)
    return session


async def test_a_transaction_that_nobody_goes_on_with_is_in_nobodys_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abandoned, "IDLE_SECONDS", 0.2)
    async with await leave_open(bench) as session:
        async with asyncio.timeout(30):  # the server itself would need a minute
            outcome = await bench.run(on.create("Uploader"))
        assert outcome.seq == 2
        with pytest.raises(OperationFailure) as caught:
            await session.commit_transaction()
    # Its owner, if there is one after all, is told to run it again.
    assert caught.value.has_error_label("TransientTransactionError")
    await bench.check_log()


async def test_a_transaction_at_work_is_left_alone(bench: Bench) -> None:
    async with await leave_open(bench) as session:
        await abandoned.end_abandoned(bench.database)
        await session.commit_transaction()


@pytest.mark.parametrize("error", [OperationFailure("no such stage", 40324), ExecutionTimeout("slow", 50)])
async def test_a_server_that_cannot_tell_is_left_to_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: PyMongoError
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(type(bench.database.client.admin), "aggregate", fail)
    await abandoned.end_abandoned(bench.database)


async def test_a_rollback_that_cannot_be_sent_keeps_nobody_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server the driver would look for one for as long as any operation may take."""
    given: list[float | None] = []

    async def note(_: AsyncClientSession) -> None:
        given.append(_csot.remaining())
        raise ServerSelectionTimeoutError("nobody there")

    monkeypatch.setattr(AsyncClientSession, "abort_transaction", note)
    with pytest.raises(PastisError):
        await bench.run(on.refuse(), dry_run=True)
    # The end of the session asks once more, as this rollback leaves no trace in it.
    assert given[0] is not None
    assert given[0] <= ABORT_SECONDS
