from typing import Any

import pytest

from app.models.statuses import Status
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_preconditions,
    check_replay,
    client_of,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/projects/FLUID/statuses"


def todo(workspace: Workspace) -> str:
    return f"{PATH}/{workspace.statuses['Todo']}"


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_admins_give_another_name(workspace: Workspace, services: Services, role: str) -> None:
    before = ok(await workspace.api.get(todo(workspace)))
    changed = ok(await client_of(workspace, role).patch(todo(workspace), {"name": "Ready"}), 200)
    stamps = {name: changed[name] for name in ("version", "updated_at")}
    assert changed == before | stamps | {"name": "Ready"}
    assert changed["version"] > before["version"]
    assert ok(await workspace.member.get(todo(workspace))) == changed
    kept = await stored(services, Status, changed["id"])
    assert kept is not None
    assert (kept["name"], kept["category"]) == ("Ready", "todo")
    assert (await last_event(services, workspace))["command"] == "status.update"


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.patch(todo(workspace), {"name": "Mine"})

    await check_denied(services, workspace, send)


async def test_names_stay_unique_whatever_their_case(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        for name in ("Done", "DONE"):
            refused(await workspace.api.patch(todo(workspace), {"name": name}), 409, "already_exists")
    assert ok(await workspace.api.patch(todo(workspace), {"name": "TODO"}))["name"] == "TODO"


@pytest.mark.parametrize("body", [{}, {"name": "Todo"}], ids=str)
async def test_no_change_leaves_no_trace(workspace: Workspace, services: Services, body: Any) -> None:
    async with unchanged(services, workspace):
        ok(await workspace.api.patch(todo(workspace), body), 200)


@pytest.mark.parametrize(
    "body",
    [{"name": None}, {"name": "\u3164"}, {"category": "done"}, {"rank": "a0"}, {"project_id": "x"}],
    ids=str,
)
async def test_malformed(workspace: Workspace, services: Services, body: dict[str, Any]) -> None:
    async with unchanged(services, workspace):
        problem = refused(await workspace.api.patch(todo(workspace), body), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [f"/{name}" for name in body]


async def test_absent_foreign_and_of_another_project(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    done = workspace.statuses["Done"]
    paths = [
        f"{PATH}/{new_id()}",
        f"{PATH}/{other_workspace.statuses['Done']}",
        f"/projects/INFRA/statuses/{done}",
        f"/projects/{other_workspace.project['id']}/statuses/{other_workspace.statuses['Done']}",
    ]
    async with unchanged(services, workspace, other_workspace):
        for path in paths:
            refused(await workspace.api.patch(path, {"name": "X"}), 404, "not_found")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.patch(todo(workspace), {"name": "Ready"}, **options)

    await check_preconditions(services, workspace, send, ok(await workspace.api.get(todo(workspace))))


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    async def send(json: Any = None, **options: Any) -> Answer:
        return await workspace.api.patch(todo(workspace), json or {"name": "Ready"}, **options)

    await check_replay(services, workspace, send, {"name": "Other"})


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.patch(todo(workspace), {"name": "Ready"}, **options)

    assert (await check_dry_run(services, workspace, send))["name"] == "Ready"
