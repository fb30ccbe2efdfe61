from typing import Any

import pytest

from app.models.projects import Project
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
PATH = "/projects/FLUID"


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_admins_change(workspace: Workspace, services: Services, role: str) -> None:
    body = {
        "name": "Infusion",
        "description": "A framework.",
        "lead_id": workspace.membership_ids["member"],
        "default_status_id": workspace.statuses["Backlog"],
    }
    changed = ok(await client_of(workspace, role).patch(PATH, body), 200)
    stamps = {name: changed[name] for name in ("version", "updated_at")}
    assert changed == workspace.project | body | stamps
    assert ok(await workspace.member.get(PATH)) == changed
    kept = await stored(services, Project, changed["id"])
    assert kept is not None
    assert (kept["name"], kept["lead_id"], kept["version"]) == (
        "Infusion",
        body["lead_id"],
        changed["version"],
    )
    assert (await last_event(services, workspace))["command"] == "project.update"
    assert (await workspace.task())["status_id"] == workspace.statuses["Backlog"]


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.patch(PATH, {"name": "Mine"})

    await check_denied(services, workspace, send)


async def test_by_its_id_too(workspace: Workspace) -> None:
    path = f"/projects/{workspace.project['id']}"
    assert ok(await workspace.api.patch(path, {"name": "Infusion"}))["name"] == "Infusion"


async def test_null_clears_the_lead_and_absence_does_not(workspace: Workspace) -> None:
    lead = workspace.membership_ids["member"]
    ok(await workspace.api.patch(PATH, {"lead_id": lead}))
    assert ok(await workspace.api.patch(PATH, {"name": "Infusion"}))["lead_id"] == lead
    assert ok(await workspace.api.patch(PATH, {"lead_id": None}))["lead_id"] is None


async def test_a_lead_is_somebody_here(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    gone = workspace.membership_ids["member"]
    ok(await workspace.api.delete(f"/memberships/{gone}"))
    async with unchanged(services, workspace, other_workspace):
        for lead in (new_id(), other_workspace.membership_ids["owner"], gone):
            refused(await workspace.api.patch(PATH, {"lead_id": lead}), 404, "not_found")


async def test_a_lead_who_left_may_stay_named(workspace: Workspace) -> None:
    lead = workspace.membership_ids["member"]
    ok(await workspace.api.patch(PATH, {"lead_id": lead}))
    ok(await workspace.api.delete(f"/memberships/{lead}"))
    changed = ok(await workspace.api.patch(PATH, {"lead_id": lead, "name": "Infusion"}))
    assert (changed["lead_id"], changed["name"]) == (lead, "Infusion")


async def test_the_first_status_is_one_of_its_own(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    elsewhere = ok(await workspace.api.get("/projects/INFRA/statuses"))["items"][0]["id"]
    async with unchanged(services, workspace, other_workspace):
        for status in (new_id(), elsewhere, other_workspace.statuses["Todo"]):
            answer = await workspace.api.patch(PATH, {"default_status_id": status})
            refused(answer, 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"name": None},
        {"description": None},
        {"default_status_id": None},
        {"key": "OTHER"},
        {"archived_at": None},
        {"lead_id": ""},
        {"name": "\u200d"},
        {"version": 1},
        {"last_rank": "a"},
    ],
    ids=str,
)
async def test_malformed(workspace: Workspace, services: Services, body: dict[str, Any]) -> None:
    async with unchanged(services, workspace):
        problem = refused(await workspace.api.patch(PATH, body), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [f"/{name}" for name in body]


async def test_an_archived_one_is_not_changed(workspace: Workspace, services: Services) -> None:
    ok(await workspace.api.post(f"{PATH}/archive"))
    async with unchanged(services, workspace):
        refused(await workspace.api.patch(PATH, {"name": "Infusion"}), 409, "archived")


async def test_absent_and_foreign(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    async with unchanged(services, workspace, other_workspace):
        for ref in (new_id(), "NOPE", other_workspace.project["id"]):
            refused(await workspace.api.patch(f"/projects/{ref}", {"name": "X"}), 404, "not_found")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.patch(PATH, {"name": "Infusion"}, **options)

    await check_preconditions(services, workspace, send, workspace.project)


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    async def send(json: Any = None, **options: Any) -> Answer:
        return await workspace.api.patch(PATH, json or {"name": "Infusion"}, **options)

    await check_replay(services, workspace, send, {"name": "Other"})


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.patch(PATH, {"name": "Infusion"}, **options)

    assert (await check_dry_run(services, workspace, send))["name"] == "Infusion"
