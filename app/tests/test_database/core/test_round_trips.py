"""How often a request goes to the database: exactly, with nothing known yet and with the login known."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from app.core.config import Settings
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.main import create_app
from app.services.access import engine as access
from app.services.access import queries
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok
from app.tests.support.clock import TestClock
from app.tests.support.commands import Commands, listening
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio

LOGIN = "aggregate sessions"
TASKS = "find tasks"


@dataclass
class Fresh:
    """A process that has just started, as its owner's client, and what it sends to the database."""

    api: Client
    commands: Commands

    async def cost(self, path: str) -> list[str]:
        self.commands.take()
        ok(await self.api.get(path))
        return self.commands.names


@pytest.fixture
async def fresh(
    test_settings: Settings, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fresh]:
    commands = Commands()
    # A login is known for a second, however slow the machine is.
    monkeypatch.setattr(access, "CACHE_SECONDS", 1000.0)
    app = create_app(test_settings, TestClock())
    with listening(monkeypatch, commands):
        running = app.router.lifespan_context(app)
        await running.__aenter__()
    try:
        services: Services = app.state.services
        await services.until_ready()  # on a slow machine the start goes on, and would be counted
        # It would have the login looked up anew whenever the other application changes a project.
        await services.doorbell.close()
        await services.worker.close()  # it asks for itself
        await services.audit_follower.close()  # it would be counted too
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
            yield Fresh(Client(http, workspace.api.token, workspace.api.base), commands)
    finally:
        await running.__aexit__(None, None, None)


@pytest.mark.parametrize("project", ["", "&project=FLUID"])
async def test_a_list_of_fifty(fresh: Fresh, workspace: Workspace, project: str) -> None:
    for number in range(60):
        await workspace.task(f"Uploader: file {number} is not announced")
    path = f"/tasks?limit=50{project}"
    assert await fresh.cost(path) == [LOGIN, TASKS]
    assert await fresh.cost(path) == [TASKS]
    page = ok(await fresh.api.get(path))
    assert len(page["items"]) == 50
    assert await fresh.cost(f"{path}&cursor={page['next_cursor']}") == [TASKS]


async def test_a_list_of_two_hundred_is_one_round_trip_too(fresh: Fresh, workspace: Workspace) -> None:
    """The first batch of an ordinary cursor would end at 101 documents."""
    for number in range(130):
        await workspace.task(f"Reorderer: item {number} is skipped")
    assert await fresh.cost("/tasks?limit=200") == [LOGIN, TASKS]
    assert len(ok(await fresh.api.get("/tasks?limit=200"))["items"]) == 130


async def test_a_total_is_one_more(fresh: Fresh, workspace: Workspace) -> None:
    await workspace.task()
    assert await fresh.cost("/tasks?count=true") == [LOGIN, "aggregate tasks", TASKS]


async def test_one_task(fresh: Fresh, workspace: Workspace) -> None:
    task = await workspace.task()
    assert await fresh.cost(f"/tasks/{task['id']}") == [LOGIN, TASKS]
    assert await fresh.cost(f"/tasks/{task['id']}") == [TASKS]
    assert await fresh.cost(f"/tasks/{task['key']}") == [TASKS]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/projects", "find projects"),
        ("/projects/FLUID", "find projects"),
        ("/projects/FLUID/statuses", "find statuses"),
        ("/labels", "find labels"),
        ("/memberships", "find memberships"),
        ("/events", "find events"),
        ("/events/1", "find events"),
        ("", "find workspaces"),
    ],
)
async def test_what_else_a_screen_needs(fresh: Fresh, path: str, query: str) -> None:
    assert await fresh.cost(path) == [LOGIN, query]
    assert await fresh.cost(path) == [query]


async def test_what_belongs_to_a_task(fresh: Fresh, workspace: Workspace) -> None:
    task = await workspace.task()
    await workspace.comment(task)
    assert await fresh.cost(f"/tasks/{task['id']}/comments") == [LOGIN, "find comments"]
    assert await fresh.cost(f"/tasks/{task['id']}/activity") == ["find events"]
    # A key has to be looked up first.
    assert await fresh.cost(f"/tasks/{task['key']}/comments") == [TASKS, "find comments"]


async def test_a_project_that_the_login_does_not_know_yet_is_looked_up(
    fresh: Fresh, workspace: Workspace
) -> None:
    """Made by another process since: the other application of this test."""
    ok(await fresh.api.get("/projects"))
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infrastructure"}), 201)
    assert await fresh.cost("/tasks?project=INFRA") == [LOGIN, TASKS]


async def test_requests_that_come_together_look_the_login_up_once(fresh: Fresh) -> None:
    fresh.commands.take()
    for answer in await asyncio.gather(*(fresh.api.get("/labels") for _ in range(5))):
        ok(answer)
    assert sorted(fresh.commands.names) == [LOGIN, *["find labels"] * 5]


async def test_a_look_up_that_began_before_a_revocation_is_not_believed(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, let_go = asyncio.Event(), asyncio.Event()

    real = queries.logins

    async def slow(*what: Any) -> Any:
        found = await real(*what)
        asked.set()
        await let_go.wait()
        return found

    token, user_id = workspace.api.token or "", workspace.users["owner"].id
    services.access.forget_user(user_id)
    with monkeypatch.context() as patch:
        patch.setattr(queries, "logins", slow)
        early = asyncio.create_task(services.access.identify(token))
        await asked.wait()
    await services.sessions.end_all(user_id)
    services.access.forget_user(user_id)
    let_go.set()
    await early
    with pytest.raises(PastisError) as caught:
        await services.access.identify(token)
    assert caught.value.code is ErrorCode.INVALID_TOKEN


async def test_a_patch_costs_its_group_four_round_trips_and_what_nobody_has_read(
    fresh: Fresh, workspace: Workspace
) -> None:
    """The head, the task, the event, the commit, where nobody else writes."""
    tasks = [await workspace.task(f"Pager: page {number}") for number in range(2)]

    async def patch(task: Doc, title: str) -> list[str]:
        fresh.commands.take()
        ok(await fresh.api.patch(f"/tasks/{task['id']}", {"title": title}))
        return fresh.commands.names

    write = ["update heads", "update tasks", "insert events", "commitTransaction 1"]
    for title in ("one", "two"):  # until it is known that nobody else writes
        await patch(tasks[0], title)
    assert await patch(tasks[0], "three") == write
    assert await patch(tasks[1], "four") == ["find tasks", *write]
    # What changes nothing is true of the head that is there.
    assert await patch(tasks[1], "four") == ["find heads", "commitTransaction 1"]
