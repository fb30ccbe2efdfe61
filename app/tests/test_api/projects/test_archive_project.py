from typing import Any

import pytest

from app.models.projects import Project
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_preconditions,
    client_of,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/projects/FLUID/archive"


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_admins_put_a_project_away(workspace: Workspace, services: Services, role: str) -> None:
    archived = ok(await client_of(workspace, role).post(PATH), 200)
    assert archived["archived_at"] is not None
    stamps = {name: archived[name] for name in ("archived_at", "version", "updated_at")}
    assert archived == workspace.project | stamps
    assert ok(await workspace.api.get("/projects"))["items"] == []
    kept = await stored(services, Project, archived["id"])
    assert kept is not None
    assert kept["archived_at"] is not None
    assert (await last_event(services, workspace))["command"] == "project.archive"


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.post(PATH)

    await check_denied(services, workspace, send)


async def test_nothing_in_it_changes_and_all_can_be_read(workspace: Workspace, services: Services) -> None:
    api = workspace.api
    task = await workspace.task()
    comment = await workspace.comment(task)
    todo = workspace.statuses["Todo"]
    ok(await api.post(PATH))
    refusals = [
        await api.patch("/projects/FLUID", {"name": "X"}),
        await api.post("/projects/FLUID/statuses", {"name": "X", "category": "todo"}),
        await api.patch(f"/projects/FLUID/statuses/{todo}", {"name": "X"}),
        await api.post(f"/projects/FLUID/statuses/{todo}/move", {"after_id": None}),
        await api.delete(f"/projects/FLUID/statuses/{todo}"),
        await api.post("/tasks", {"project_id": "FLUID", "title": "X"}),
        await api.patch(f"/tasks/{task['id']}", {"title": "X"}),
    ]
    async with unchanged(services, workspace):
        for answer in refusals:
            refused(answer, 409, "archived")
        assert ok(await api.get(f"/tasks/{task['id']}")) == task
        assert ok(await api.get(f"/tasks/{task['id']}/comments"))["items"] == [comment]
        assert len(ok(await api.get("/projects/FLUID/statuses"))["items"]) == 5


async def test_a_second_time_nothing_happens(workspace: Workspace, services: Services) -> None:
    archived = ok(await workspace.api.post(PATH))
    async with unchanged(services, workspace):
        assert ok(await workspace.api.post(PATH), 200) == archived


async def test_absent_and_foreign(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    async with unchanged(services, workspace, other_workspace):
        for ref in (new_id(), "NOPE", other_workspace.project["id"]):
            refused(await workspace.api.post(f"/projects/{ref}/archive"), 404, "not_found")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post(PATH, **options)

    await check_preconditions(services, workspace, send, workspace.project)


async def test_sent_again_it_answers_the_same(workspace: Workspace, services: Services) -> None:
    headers = {"Idempotency-Key": "archive-once"}
    first = await workspace.api.post(PATH, headers=headers)
    ok(await workspace.api.post("/projects/FLUID/unarchive"))
    async with unchanged(services, workspace):
        again = await workspace.api.post(PATH, headers=headers)
        assert (again.status_code, again.content) == (200, first.content)
        refused(
            await workspace.api.post("/projects/FLUID/unarchive", headers=headers),
            422,
            "idempotency_key_reused",
        )


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post(PATH, **options)

    await check_dry_run(services, workspace, send)
