"""An export is the workspace as of one number of its log, whatever is written meanwhile."""

import asyncio
from collections import Counter
from typing import Any

import orjson
import pytest

from app.core.database.engine import Database
from app.core.documents import Doc, dump
from app.core.errors import ErrorCode, PastisError
from app.core.log import Head
from app.models import ENTITIES
from app.services.bootstrap import Services
from app.services.exports import ExportEngine, Summary, queries
from app.tests.support import replay
from app.tests.support.clients import ok
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

State = dict[tuple[str, str], Doc]


@pytest.fixture(params=[True, False], ids=["snapshot-session", "transaction"])
def _either_kind_of_snapshot(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    async def knows(_: Any) -> bool:
        return bool(request.param)

    monkeypatch.setattr(Database, "knows_snapshots", knows)


async def exported(
    services: Services, workspace_id: str, *, history: bool = False, pause: float | None = None
) -> tuple[Doc, list[Doc], Summary]:
    """The header, the other lines, and the summary; `pause` makes it last."""
    summary = Summary()
    lines: list[Doc] = []
    engine = ExportEngine(services.database, services.clock)
    async for line in engine.lines(workspace_id, summary, history=history):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        lines.append(orjson.loads(line))
        if pause is not None:
            await asyncio.sleep(pause)
    return lines[0], lines[1:], summary


def documents(lines: list[Doc]) -> State:
    found: State = {}
    for one in lines:
        if one["kind"] != "event":
            doc = dict(one)
            found[doc.pop("kind"), doc["id"]] = doc
    return found


def events(lines: list[Doc]) -> list[Doc]:
    return [{name: one[name] for name in one if name != "kind"} for one in lines if one["kind"] == "event"]


def as_json(value: Any) -> Any:
    return orjson.loads(dump(value))


async def fill(workspace: Workspace) -> None:
    """Something of each kind, something changed and something deleted."""
    label = await workspace.label()
    parent = await workspace.task("Make all components accessible by keyboard", type="epic")
    task = await workspace.task(label_ids=[label["id"]], parent_id=parent["id"], due_date="2026-12-18")
    await workspace.comment(task)
    comment = await workspace.comment(task, "Not fixed at all.")
    ok(await workspace.api.delete(f"/tasks/{task['id']}/comments/{comment['id']}"))
    ok(await workspace.api.delete(f"/tasks/{parent['id']}"))
    team = await workspace.team("Design", "member")
    ok(await workspace.api.post("/roles", {"name": "Triage", "permissions": ["task:update"]}), 201)
    ok(await workspace.grant("viewer", team_id=team["id"]), 201)
    ok(await workspace.api.post("/invitations", {"role": "guest"}), 201)
    await workspace.link("viewer")


@pytest.mark.usefixtures("_either_kind_of_snapshot")
async def test_the_export_is_what_the_database_holds(
    services: Services, workspace: Workspace, other_workspace: Workspace
) -> None:
    await fill(workspace)
    await fill(other_workspace)
    header, lines, summary = await exported(services, workspace.id, history=True)
    found = await replay.snapshot(services.database, workspace.id)
    assert documents(lines) == {key: as_json(doc) for key, doc in found.items()}
    log = await replay.events_after(services.database, workspace.id)
    assert events(lines) == [as_json({n: e[n] for n in e if n != "_id"}) for e in log]
    counts = Counter(one["kind"] for one in lines)
    assert set(counts) == {*ENTITIES, "event"}
    head = await services.database.collection(Head).find_one({"_id": workspace.id})
    assert head is not None
    assert header.pop("exported_at").endswith("Z")
    assert header == {
        "format": "pastis-export",
        "version": 1,
        "workspace": {"id": workspace.id, "slug": workspace.slug},
        "seq": head["seq"],
        "epoch": head["epoch"],
        "lines": counts,
    }
    assert (summary.seq, summary.lines) == (head["seq"], counts)


async def test_without_history_there_are_documents_only(services: Services, workspace: Workspace) -> None:
    header, lines, _ = await exported(services, workspace.id)
    assert "event" not in header["lines"]
    assert not events(lines)
    assert documents(lines)


async def test_every_kind_comes_after_those_that_it_names(services: Services, workspace: Workspace) -> None:
    await fill(workspace)
    assert {model for model, _ in queries.ORDER} == set(ENTITIES.values())
    _, lines, _ = await exported(services, workspace.id, history=True)
    kinds = list(dict.fromkeys(one["kind"] for one in lines))
    assert kinds == [
        *("workspace", "role", "membership", "invitation", "team", "label", "project"),
        *("grant", "link", "status", "task", "comment", "event"),
    ]


@pytest.mark.usefixtures("_either_kind_of_snapshot")
async def test_an_export_while_others_write_is_one_moment(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported first and what is exported last are as of the same number."""
    monkeypatch.setattr(queries, "BATCH", 3)
    await fill(workspace)
    done = asyncio.Event()

    async def write() -> None:
        while not done.is_set():
            task = await workspace.task("Progress is not announced")
            await workspace.comment(task)
            ok(await workspace.api.patch(f"/tasks/{task['id']}", {"title": "Progress is announced"}))
            ok(await workspace.api.post("/labels", {"name": f"Label {new_id()}"}))

    writers = [asyncio.create_task(write()) for _ in range(4)]
    moments: list[int] = []
    for _ in range(3):
        header, lines, _ = await exported(services, workspace.id, history=True, pause=0.001)
        log = events(lines)
        assert [event["seq"] for event in log] == list(range(1, header["seq"] + 1))
        assert documents(lines) == replay.replay({}, log)
        assert header["lines"] == Counter(one["kind"] for one in lines)
        moments.append(header["seq"])
    done.set()
    await asyncio.gather(*writers)
    assert moments[0] < moments[1] < moments[2] < await replay.head(services.database, workspace.id)


async def test_a_workspace_that_is_not_there_cannot_be_exported(services: Services) -> None:
    with pytest.raises(PastisError) as caught:
        await exported(services, new_id())
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_only_secantus_reads_in_a_transaction(services: Services) -> None:
    assert await services.database.knows_snapshots()
