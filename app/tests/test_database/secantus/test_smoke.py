"""The application on SecantusDB, the database of a machine without MongoDB: the way of a task through it."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.core.config import Settings
from app.main import create_app
from app.models.audit import AuditKind
from app.services.bootstrap import Services
from app.services.limits.queries import take
from app.services.limits.rules import Rate
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import Workspace, found_workspace
from app.tests.support.kept import Kept
from app.tests.support.replay import events_after, replay, walk_back

pytestmark = pytest.mark.anyio


@pytest.fixture
async def on_secantus(url: str, test_settings: Settings) -> AsyncIterator[FastAPI]:
    changes = {"database_url": SecretStr(url), "database_name": "pastis", "database_timeout_seconds": 20.0}
    app = create_app(test_settings.model_copy(update=changes))
    async with app.router.lifespan_context(app):
        await app.state.services.until_ready()
        yield app


@pytest.fixture
async def there(on_secantus: FastAPI) -> AsyncIterator[tuple[Workspace, Kept]]:
    services: Services = on_secantus.state.services
    transport = httpx2.ASGITransport(app=on_secantus)
    async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
        workspace = await found_workspace(services, Client(http))
        yield workspace, Kept(services, workspace)


async def test_the_way_of_a_task(there: tuple[Workspace, Kept], on_secantus: FastAPI) -> None:
    workspace, kept = there
    api = workspace.api
    label = await workspace.label()
    task = await workspace.task(label_ids=[label["id"]], priority="high", due_date="2026-12-18")
    for number in range(4):
        await workspace.task(f"Uploader: file {number} is not announced")
    assert ok(await api.get(f"/tasks/{task['key']}")) == task

    first = ok(await api.get("/tasks?project=FLUID&limit=3"))
    rest = ok(await api.get(f"/tasks?project=FLUID&limit=3&cursor={first['next_cursor']}"))
    assert [one["key"] for one in [*first["items"], *rest["items"]]] == [f"FLUID-{n}" for n in range(1, 6)]
    for sort in ("rank", "-created", "updated", "due", "-priority"):
        assert len(ok(await api.get(f"/tasks?sort={sort}"))["items"]) == 5
    labelled = ok(await api.get(f"/tasks?label={label['id']}&assignee=none"))["items"]
    assert [one["id"] for one in labelled] == [task["id"]]

    changed = ok(await api.patch(f"/tasks/{task['key']}", {"priority": "urgent", "due_date": None}))
    stale = {"If-Match": f'"{task["version"]}"'}
    refused(
        await api.patch(f"/tasks/{task['key']}", {"title": "No"}, headers=stale), 412, "precondition_failed"
    )
    refused(await api.post("/labels", {"name": "ACCESSIBILITY"}), 409, "already_exists")
    comment = await workspace.comment(task)
    assert ok(await api.get(f"/tasks/{task['key']}/comments"))["items"] == [comment]
    ok(await api.post(f"/tasks/{task['key']}/rank", {"after_id": "FLUID-5"}))
    ok(await api.delete(f"/labels/{label['id']}"), 204)
    ok(await api.post(f"/events/{await kept.head()}/undo"), 204)
    ok(await api.post(f"/events/{changed['version']}/undo"), 204)
    now = ok(await api.get(f"/tasks/{task['key']}"))
    assert (now["priority"], now["due_date"], now["label_ids"]) == ("high", "2026-12-18", [label["id"]])
    history = ok(await api.get(f"/tasks/{task['key']}/activity"))["items"]
    assert [one["command"] for one in history][-2:] == ["task.update", "task.create"]

    services: Services = on_secantus.state.services
    log = await events_after(services.database, workspace.id)
    assert [event["seq"] for event in log] == list(range(1, await kept.head() + 1))
    assert replay({}, log) == await kept.state()
    assert walk_back(await kept.state(), log) == {}


async def test_limits_and_the_audit_log(on_secantus: FastAPI, there: tuple[Workspace, Kept]) -> None:
    services: Services = on_secantus.state.services
    rate, key = Rate(5, 0.001), "a bucket"
    taken = [(await take(services.database, key, rate, 1)).count for _ in range(8)]
    assert taken == [1] * 5 + [0] * 3
    workspace, _ = there
    for _ in range(2):
        await services.audit_follower.follow(workspace.id)
    await services.audit.record(AuditKind.LOGIN_CREATE, workspace.users["owner"].id)
    await services.audit.record(AuditKind.LOGIN_FAIL, workspace.users["owner"].id)
    assert len(ok(await workspace.api.get("/audit"))["items"]) == 5
    # The workspace's chain, and one for each account that logged in.
    assert [findings async for _, _, _, findings in services.audit.verify()] == [[]] * 5
