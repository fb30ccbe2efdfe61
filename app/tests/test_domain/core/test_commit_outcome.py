"""What a client is told when the database fails before, during and after the commit."""

import asyncio
import gc
import socket
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import AutoReconnect, ConnectionFailure, NetworkTimeout, OperationFailure, PyMongoError

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import writer
from app.tests.support import bench as on
from app.tests.support.bench import Bench, context, make_writers
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

UNKNOWN = "UnknownTransactionCommitResult"
TRANSIENT = "TransientTransactionError"
commit = AsyncClientSession.commit_transaction


def labelled(error: PyMongoError, *labels: str) -> PyMongoError:
    for label in labels:
        error._add_error_label(label)
    return error


class Commits:
    """Replaces the session's commit: fails as often as it is told to, before or after the real one."""

    def __init__(self, error: PyMongoError, times: int, *, after: bool) -> None:
        self.calls = 0
        self._error = error
        self._times = times
        self._after = after

    async def __call__(self, session: AsyncClientSession) -> None:
        self.calls += 1
        if self.calls > self._times:
            await commit(session)
            return
        if self._after:
            await commit(session)
        raise self._error


def replace_commit(
    monkeypatch: pytest.MonkeyPatch, error: PyMongoError, times: int, *, after: bool
) -> Commits:
    commits = Commits(error, times, after=after)

    async def fail(session: AsyncClientSession) -> None:
        await commits(session)

    monkeypatch.setattr(AsyncClientSession, "commit_transaction", fail)
    return commits


@pytest.mark.parametrize(
    "error",
    [
        labelled(OperationFailure("write concern timed out", 64), UNKNOWN),
        labelled(AutoReconnect("connection closed"), UNKNOWN),
        ConnectionFailure("connection reset"),
    ],
    ids=["write-concern", "reconnect", "no-label"],
)
@pytest.mark.parametrize("after", [True, False], ids=["committed", "not-committed"])
async def test_a_commit_whose_answer_is_lost_is_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: PyMongoError, after: bool
) -> None:
    commits = replace_commit(monkeypatch, error, 3, after=after)
    assert (await bench.run(on.create("Uploader"))).seq == 2
    assert commits.calls == 4
    assert (bench.writers.stats.retries, await bench.names()) == (0, ["Uploader"])
    await bench.check_log()


async def test_an_outcome_that_stays_unknown_is_said_to_be_unknown(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed all the same: only the same request, sent again with its key, finds out."""
    label = (await bench.run(on.create("Uploader"))).value
    error = labelled(OperationFailure("write concern timed out", 64), UNKNOWN)
    monkeypatch.setattr(bench.writers.database, "timeout_seconds", 0.1)
    commits = replace_commit(monkeypatch, error, 10**6, after=True)
    told: list[Any] = []
    bench.writers.listeners.append(lambda *event: told.append(event))
    results = await bench.together(
        on.append(label.id, "one "), on.append(label.id, "two "), on.refuse(), idempotency_key=None
    )
    assert [one.code for one in results] == [ErrorCode.OUTCOME_UNKNOWN] * 3
    assert (results[0].status, commits.calls > 1, told) == (503, True, [])
    monkeypatch.undo()
    assert (await bench.label(label.id))["description"] == "one two "
    await bench.check_log()


async def test_what_took_as_long_as_it_may_is_not_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients wait for an answer, and a database that stands still has no other one."""
    begun = 0

    async def stand_still(*_: Any) -> None:
        nonlocal begun
        begun += 1
        raise labelled(NetworkTimeout("timed out"), TRANSIENT)

    with monkeypatch.context() as still:
        still.setattr(Database, "begin", stand_still)
        (refusal,) = await bench.together(on.create("Uploader"))
    assert (refusal.code, begun) == (ErrorCode.DATABASE_UNAVAILABLE, 1)
    assert (await bench.run(on.create("Uploader"))).seq == 2


async def test_who_waits_behind_what_took_too_long_is_told_so_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who comes later is served."""
    begun = 0
    standing = asyncio.Event()

    async def stand_still(*_: Any) -> None:
        nonlocal begun
        begun += 1
        await standing.wait()
        raise labelled(NetworkTimeout("timed out"), TRANSIENT)

    with monkeypatch.context() as still:
        still.setattr(Database, "begin", stand_still)
        first = asyncio.create_task(bench.together(on.create("Uploader")))
        await asyncio.sleep(0.05)
        behind = asyncio.create_task(bench.together(on.create("Pager"), on.create("Slider")))
        await asyncio.sleep(0.05)
        standing.set()
        refusals = [*await first, *await behind]
    assert [one.code for one in refusals] == [ErrorCode.DATABASE_UNAVAILABLE] * 3
    assert begun == 1
    assert (await bench.run(on.create("Uploader"))).seq == 2


async def test_the_same_request_sent_again_after_an_unknown_outcome_is_done_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    error = labelled(OperationFailure("write concern timed out", 64), UNKNOWN)
    for after, text in ((True, "one "), (False, "two ")):
        key = {"idempotency_key": text.strip(), "fingerprint": text}
        with monkeypatch.context() as patch:
            patch.setattr(bench.writers.database, "timeout_seconds", 0.0)
            replace_commit(patch, error, 10**6, after=after)
            with pytest.raises(PastisError) as caught:
                await bench.run(on.append(label.id, text), **key)
            assert caught.value.code is ErrorCode.OUTCOME_UNKNOWN
        outcome = await bench.run(on.append(label.id, text), **key)
        assert outcome.replayed is after
    assert (await bench.label(label.id))["description"] == "one two "
    await bench.check_log()


async def test_a_commit_that_was_rolled_back_is_run_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = labelled(OperationFailure("no such transaction", 251), TRANSIENT)
    commits = replace_commit(monkeypatch, error, 3, after=False)
    results = await bench.together(on.create("Uploader"), on.create("Pager"), on.refuse())
    assert [getattr(one, "seq", None) for one in results] == [2, 3, None]
    assert (commits.calls, bench.writers.stats.retries) == (4, 3)
    assert await bench.names() == ["Pager", "Uploader"]
    await bench.check_log()


async def test_a_database_that_goes_on_failing_is_unavailable(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "DEADLINE_SECONDS", 0.05)
    error = labelled(OperationFailure("stepped down", 189), TRANSIENT)
    replace_commit(monkeypatch, error, 10**6, after=False)
    with pytest.raises(PastisError) as caught:
        await bench.run(on.create("Never"))
    assert caught.value.code is ErrorCode.DATABASE_UNAVAILABLE
    assert bench.writers.stats.retries > 0
    monkeypatch.undo()
    assert (await bench.labels(), await bench.head()) == ({}, 1)


async def test_a_refused_commit_fails_with_its_reason(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OperationFailure("not allowed", 13)
    commits = replace_commit(monkeypatch, error, 10**6, after=False)
    with pytest.raises(OperationFailure, match="not allowed"):
        await bench.run(on.create("Never"))
    assert commits.calls == 1
    monkeypatch.undo()
    assert (await bench.labels(), await bench.head()) == ({}, 1)


@pytest.fixture
async def nowhere(test_settings: Settings) -> AsyncIterator[Database]:
    """A database where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"mongodb://127.0.0.1:{probe.getsockname()[1]}/?directConnection=true"
        changes = {"database_url": SecretStr(url), "database_timeout_seconds": 0.2}
        database = Database.connect(test_settings.model_copy(update=changes))
        yield database
        await database.close()
        await asyncio.sleep(0)
        # The driver drops the socket of an attempt that is canceled without closing it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


async def test_without_a_database_every_command_hears_that_it_is_unavailable(nowhere: Database) -> None:
    bench = Bench(nowhere, make_writers(nowhere), new_id())
    results = await bench.together(on.create("Uploader"), on.create("Pager"))
    assert [one.code for one in results] == [ErrorCode.DATABASE_UNAVAILABLE] * 2
    assert bench.writers.stats.retries == 0
    with pytest.raises(PastisError) as caught:
        await bench.writers.run_all(bench.workspace_id, [on.create("Uploader")], context(dry_run=True))
    assert caught.value.code is ErrorCode.DATABASE_UNAVAILABLE


async def test_shutdown_does_not_wait_for_a_database_that_is_away(nowhere: Database) -> None:
    bench = Bench(nowhere, make_writers(nowhere), new_id())
    running = asyncio.create_task(bench.run(on.create("Uploader")))
    await asyncio.sleep(0)
    await bench.writers.close()
    assert running.done()
    with pytest.raises(PastisError) as caught:
        await running
    assert caught.value.code is ErrorCode.DATABASE_UNAVAILABLE
