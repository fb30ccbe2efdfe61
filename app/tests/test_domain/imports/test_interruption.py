"""Imports that are broken off, meet a database that is away, or each other."""

import asyncio
import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pymongo.errors import AutoReconnect

from app.core.errors import ErrorCode, PastisError
from app.core.log import Event
from app.core.unit_of_work import Writers
from app.models.imports import ImportRun, ImportState
from app.models.tasks import Task
from app.services.access import Scope
from app.services.bootstrap import Services
from app.services.imports import (
    Archive,
    ImportEngine,
    ImportOptions,
    Run,
    engine,
    queries,
    rules,
    survey,
    transfer,
)
from app.tests.support.archives import EXCERPT, excerpt, issue, lines
from app.tests.support.clients import ok
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.test_domain.imports.conftest import Content, Import

pytestmark = pytest.mark.anyio

DATA = EXCERPT.read_bytes()


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "WINDOW", 4)
    monkeypatch.setattr(transfer, "LOOK_UP", 10)
    monkeypatch.setattr(transfer, "RETRY_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(engine, "BEAT_SECONDS", 0.001)


async def begin(scope: Scope) -> tuple[ImportEngine, Run]:
    importing = ImportEngine(scope)
    run, _ = await importing.begin(ImportOptions("fluid.jsonl"))
    assert run is not None
    return importing, run


@pytest.mark.parametrize("after", [1, 5, 9, 30])
async def test_an_import_that_was_broken_off_is_completed_by_the_next(
    scope: Scope, content: Content, do_import: Import, after: int
) -> None:
    importing, run = await begin(scope)
    executing = asyncio.create_task(importing.execute(run, Archive(io.BytesIO(DATA))))

    def watch(run: Run) -> None:
        if run.created >= after:
            executing.cancel()

    run.watch = watch
    with pytest.raises(asyncio.CancelledError):
        await executing
    kept = await importing.get(run.id)
    assert kept["state"] == "interrupted"
    assert kept["finished_at"] is not None
    assert 0 < (await content.counts())["task"] < 42
    rest = await do_import(DATA)
    assert (rest.state, rest.created + rest.skipped) == (ImportState.DONE, 42)
    assert rest.skipped >= after
    counts = await content.counts()
    assert (counts["task"], counts["comment"]) == (42, 61)
    ranks = [doc["rank"] for doc in await content.all(Task)]
    assert len(set(zip([doc["project_id"] for doc in await content.all(Task)], ranks, strict=True))) == 42


async def test_a_run_whose_process_was_killed_reads_as_interrupted(
    scope: Scope, services: Services, clock: TestClock
) -> None:
    importing, run = await begin(scope)
    assert (await importing.get(run.id))["state"] == "running"
    clock.forward(seconds=31)
    assert (await importing.get(run.id))["state"] == "interrupted"


async def test_two_imports_at_once_make_nothing_twice(do_import: Import, content: Content) -> None:
    first, second = await asyncio.gather(do_import(DATA), do_import(DATA))
    assert first.created + second.created == 42
    assert (first.failed, second.failed) == (0, 0)
    assert first.created + first.skipped == second.created + second.skipped == 42
    counts = await content.counts()
    assert (counts["task"], counts["comment"], counts["membership"]) == (42, 61, 25)


def failing(times: int, code: ErrorCode) -> Callable[..., Any]:
    """A unit of work that refuses so many commands first."""
    left = times
    original = Writers.run

    async def run(self: Writers, workspace_id: str, command: Any, context: Any) -> Any:
        nonlocal left
        if command.name.startswith("import.") and left:
            left -= 1
            raise PastisError(code)
        return await original(self, workspace_id, command, context)

    return run


@pytest.mark.parametrize(
    "code", [ErrorCode.DATABASE_UNAVAILABLE, ErrorCode.OVERLOADED, ErrorCode.OUTCOME_UNKNOWN]
)
async def test_a_database_that_is_away_for_a_moment_is_waited_for(
    do_import: Import, monkeypatch: pytest.MonkeyPatch, code: ErrorCode
) -> None:
    monkeypatch.setattr(Writers, "run", failing(2, code))
    run = await do_import(DATA)
    assert (run.state, run.created) == (ImportState.DONE, 42)


@pytest.mark.parametrize(
    ("code", "state", "error"),
    [
        (ErrorCode.DATABASE_UNAVAILABLE, ImportState.FAILED, "database_unavailable"),
        (ErrorCode.SERVER_STOPPING, ImportState.INTERRUPTED, None),
    ],
)
async def test_what_does_not_pass_ends_the_run(
    do_import: Import, monkeypatch: pytest.MonkeyPatch, code: ErrorCode, state: ImportState, error: str | None
) -> None:
    await do_import(lines(*excerpt()[:1]))
    monkeypatch.setattr(Writers, "run", failing(1000, code))
    run = await do_import(DATA)
    assert (run.state, run.error) == (state, error)


async def test_what_ends_the_run_while_issues_are_under_way_leaves_none_behind(
    do_import: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Writers.run

    async def run(self: Writers, workspace_id: str, command: Any, context: Any) -> Any:
        if command.name == "import.issue":
            raise PastisError(ErrorCode.SERVER_STOPPING)
        return await original(self, workspace_id, command, context)

    monkeypatch.setattr(Writers, "run", run)
    assert (await do_import(DATA)).state is ImportState.INTERRUPTED


async def test_a_defect_ends_the_run_and_is_not_told(
    do_import: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(rules, "parent_passes", fail)
    run = await do_import(DATA)
    assert (run.state, run.error) == (ImportState.FAILED, "internal_error")


@pytest.mark.parametrize("change", ["removed", "member"])
async def test_nobody_goes_on_importing_who_may_not_any_more(
    services: Services, workspace: Workspace, content: Content, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    scope = await services.access.act_for(workspace.users["admin"], workspace.id, {"channel": "http"})
    importing, run = await begin(scope)
    path = f"/memberships/{workspace.membership_ids['admin']}"
    revoked = asyncio.Event()
    original = ImportEngine._beat

    async def beat(self: ImportEngine, run: Run) -> None:
        if change == "removed":
            ok(await workspace.api.delete(path))
        else:
            ok(await workspace.api.patch(path, {"role": "member"}))
        beating = asyncio.create_task(original(self, run))
        while run.allowed:  # noqa: ASYNC110 - the run tells nobody
            await asyncio.sleep(0.001)
        revoked.set()
        await beating

    monkeypatch.setattr(ImportEngine, "_beat", beat)
    known = queries.founded_at

    async def slow(scope: Scope) -> Any:
        await revoked.wait()
        return await known(scope)

    monkeypatch.setattr(queries, "founded_at", slow)
    await importing.execute(run, Archive(io.BytesIO(DATA)))
    assert (run.state, run.error) == (ImportState.FAILED, "permission_denied")
    assert (await content.counts())["task"] == 0


async def test_progress_that_cannot_be_written_ends_nothing(
    do_import: Import, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = services.database.collection

    def collection(model: Any) -> Any:
        if model is ImportRun and running:
            raise AutoReconnect("gone")
        return original(model)

    running = False
    run_of = ImportEngine.execute

    async def execute(self: ImportEngine, run: Run, archive: Archive) -> None:
        nonlocal running
        running = True
        await run_of(self, run, archive)

    monkeypatch.setattr(services.database, "collection", collection)
    monkeypatch.setattr(ImportEngine, "execute", execute)
    assert (await do_import(DATA)).state is ImportState.DONE


async def test_one_whose_membership_cannot_be_read_goes_on_importing(
    do_import: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()
    look, known = queries.try_membership, queries.founded_at

    def away(_: Any) -> Any:
        raise AutoReconnect("gone")

    async def look_in_vain(scope: Scope) -> Any:
        try:
            return await look(cast("Any", SimpleNamespace(collection=away, grant=scope.standing)))
        finally:
            tried.set()

    async def slow(scope: Scope) -> Any:
        await tried.wait()
        return await known(scope)

    monkeypatch.setattr(queries, "try_membership", look_in_vain)
    monkeypatch.setattr(queries, "founded_at", slow)
    run = await do_import(DATA)
    assert (run.state, run.created, run.allowed) == (ImportState.DONE, 42, True)


async def test_all_that_is_refused_in_writing_is_counted_and_some_of_it_listed(
    do_import: Import, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.imports.run.MAX_SHOWN", 2)
    original = Writers.run

    async def run_unless_odd(self: Writers, workspace_id: str, command: Any, context: Any) -> Any:
        if command.name == "import.issue" and next(numbers) % 2:
            raise PastisError(ErrorCode.LIMIT_REACHED, kind="task", limit=1)
        return await original(self, workspace_id, command, context)

    numbers = itertools.count()
    monkeypatch.setattr(Writers, "run", run_unless_odd)
    run = await do_import(DATA)
    assert (run.state, run.created, run.failed, len(run.problems)) == (ImportState.DONE, 21, 21, 2)
    assert {one.code for one in run.problems} == {"limit_reached"}
    assert (await content.counts())["task"] == 21
    monkeypatch.setattr(Writers, "run", original)
    again = await do_import(DATA)
    assert (again.created, again.skipped, again.failed) == (21, 21, 0)


@pytest.mark.parametrize(
    ("kind", "limit", "data"),
    [
        ("membership", 1, [issue("DECA-1", assignee="Ann", reporter="Bo")]),
        ("label", 1, [issue("DECA-1", components=["a", "b"])]),
        ("project", 1, [issue("DECA-1"), issue("VP-1")]),
        ("status", 1, [issue("DECA-1", status="Open"), issue("DECA-2", status="Closed")]),
        ("item", 1, [issue("DECA-1"), issue("DECA-2")]),
    ],
)
async def test_an_archive_has_bounds(
    do_import: Import, monkeypatch: pytest.MonkeyPatch, kind: str, limit: int, data: list[dict[str, Any]]
) -> None:
    monkeypatch.setitem(survey.LIMITS, kind, limit)
    run = await do_import(lines(*data))
    assert (run.state, run.error, run.created) == (ImportState.FAILED, "limit_reached", 0)


async def test_what_is_listed_is_bounded(do_import: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_MAX_ROWS", 2)
    monkeypatch.setattr(survey, "_MAX_TARGETS", 1)
    monkeypatch.setattr(survey, "MAX_SHOWN", 2)
    odd = [
        issue(f"DECA-{n}", type=f"Type {n}", issueLinks=[{"type": "x", "key": f"GONE-{n}"}])
        for n in range(1, 5)
    ]
    run = await do_import(lines(*odd, b"{", b"[", b"}"))
    assert (run.created, run.failed, len(run.problems)) == (4, 3, 2)
    assert run.summary is not None
    assert [(one["from"], one["count"]) for one in run.summary["types"]] == [("(others)", 2), ("Type 1", 1)]
    notes = {one["code"]: one for one in run.summary["not_mapped"]}
    assert len(notes["unknown_type"]["names"]) == 2
    assert notes["links_kept"]["count"] == 4


async def test_imports_of_requests_are_told_apart(scope: Scope, services: Services) -> None:
    importing = ImportEngine(replace(scope, context=replace(scope.context, source={"channel": "http"})))
    first, doc = await importing.begin(ImportOptions("a"), "key", "print")
    again, former = await importing.begin(ImportOptions("a"), "key", "print")
    assert first is not None
    assert again is None
    assert former["id"] == doc["id"]
    with pytest.raises(PastisError) as caught:
        await importing.begin(ImportOptions("b"), "key", "other")
    assert caught.value.code is ErrorCode.IDEMPOTENCY_KEY_REUSED
    await importing.execute(first, Archive(io.BytesIO(lines(issue("DECA-1")))))
    query = {"workspace_id": scope.workspace_id, "command": "import.issue"}
    event = await services.database.collection(Event).find_one(query)
    assert event is not None
    assert event["source"]["channel"] == "import"
