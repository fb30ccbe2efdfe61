"""Custom roles: what they hold, whom they serve, and who may give them."""

from typing import Any

import pytest

from app.models.permissions import OF_PROJECTS, Permission
from app.services.bootstrap import Services
from app.services.roles.rules import KEPT_BACK
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    MEMBERS_AND_STRANGERS,
    check_denied,
    check_not_modified,
    check_pages,
    check_preconditions,
    check_replay,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def make_role(workspace: Workspace, *permissions: str, name: str = "Triage") -> str:
    body = {"name": name, "permissions": list(permissions)}
    return str(ok(await workspace.api.post("/roles", body), 201)["id"])


async def give(workspace: Workspace, role_id: str | None) -> Any:
    path = f"/memberships/{workspace.membership_ids['member']}"
    return ok(await workspace.api.patch(path, {"custom_role_id": role_id}))


async def test_reading_comes_along(workspace: Workspace) -> None:
    body = {"name": "Triage", "permissions": ["task:update", "comment:create"]}
    role = ok(await workspace.admin.post("/roles", body), 201)
    assert role["permissions"] == [
        *("comment:create", "comment:read", "project:read", "status:read", "task:read", "task:update")
    ]
    assert ok(await workspace.member.get(f"/roles/{role['id']}")) == role


async def test_members_and_strangers_may_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.post("/roles", {"name": "Triage", "permissions": ["task:read"]})

    await check_denied(services, workspace, send, MEMBERS_AND_STRANGERS)


@pytest.mark.parametrize("kept_back", sorted(KEPT_BACK))
async def test_what_would_raise_oneself_is_for_admins(
    workspace: Workspace, services: Services, kept_back: str
) -> None:
    async with unchanged(services, workspace):
        body = {"name": "Triage", "permissions": ["task:read", kept_back]}
        problem = refused(await workspace.api.post("/roles", body), 422, "validation_failed")
    (error,) = problem["errors"]
    assert (error["pointer"], error["code"]) == ("/permissions/1", "refused")
    assert "these permissions are for owners and admins alone: invitation:create, " in error["detail"]


@pytest.mark.parametrize("wrong", [[], ["task:fly"], ["task:read", "task:read"], "task:read", None], ids=str)
async def test_bad_permissions(workspace: Workspace, services: Services, wrong: Any) -> None:
    async with unchanged(services, workspace):
        body = {"name": "Triage", "permissions": wrong}
        refused(await workspace.api.post("/roles", body), 422, "validation_failed")


async def test_it_takes_the_place_of_what_a_member_may(workspace: Workspace) -> None:
    task = await workspace.task()
    path = f"/tasks/{task['id']}"
    role_id = await make_role(workspace, "comment:create", "project:create")
    assert (await give(workspace, role_id))["custom_role_id"] == role_id
    member = workspace.member
    ok(await member.post(f"{path}/comments", {"body": "Seen."}), 201)
    refused(await member.patch(path, {"priority": "high"}), 403, "permission_denied")
    refused(await member.post("/labels", {"name": "A11y"}), 403, "permission_denied")
    made = ok(
        await member.post("/projects", {"key": "DECA", "name": "Decapod", "visibility": "private"}), 201
    )
    ok(await member.patch("/projects/DECA", {"name": "Decapod 2"}))
    assert ok(await member.get("/projects/DECA"))["id"] == made["id"]
    ok(await workspace.api.patch(f"/roles/{role_id}", {"permissions": ["task:update"]}))
    ok(await member.patch(path, {"priority": "high"}))
    refused(await member.post(f"{path}/comments", {"body": "Not any more."}), 403, "permission_denied")
    assert ok(await member.get(f"{path}/comments"))["items"] == []
    await give(workspace, None)
    ok(await member.post("/labels", {"name": "A11y"}), 201)


async def test_it_is_for_members_and_of_this_workspace(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    role_id = await make_role(workspace, "task:read")
    foreign = await make_role(other_workspace, "task:read")
    path = f"/memberships/{workspace.membership_ids['member']}"
    async with unchanged(services, workspace, other_workspace):
        for body in ({"role": "guest"}, {"role": "admin"}):
            answer = await workspace.api.patch(path, body | {"custom_role_id": role_id})
            (error,) = refused(answer, 422, "validation_failed")["errors"]
            assert "only the role member can have a custom role in its place" in error["detail"]
        for wrong in (foreign, new_id()):
            refused(await workspace.api.patch(path, {"custom_role_id": wrong}), 404, "not_found")
    await give(workspace, role_id)
    raised = ok(await workspace.api.patch(path, {"role": "admin"}))
    assert (raised["role"], raised["custom_role_id"]) == ("admin", None)


async def test_only_admins_give_it(workspace: Workspace, services: Services) -> None:
    """Not even who may change memberships, as with a token for just that: it would be a way up."""
    strong = await make_role(workspace, *(set(Permission) - KEPT_BACK), name="Everything")
    people = (await workspace.token(services, "admin", "membership:*")).at(workspace.api.base)
    path = f"/memberships/{workspace.membership_ids['member']}"
    async with unchanged(services, workspace):
        refused(await people.patch(path, {"custom_role_id": strong}), 403, "permission_denied")
        refused(await people.patch(path, {"role": "admin"}), 403, "permission_denied")


async def test_nor_to_somebody_new(workspace: Workspace, services: Services) -> None:
    strong = await make_role(workspace, *(set(Permission) - KEPT_BACK), name="Everything")
    people = (await workspace.token(services, "admin", "membership:*")).at(workspace.api.base)
    person = {"display_name": "Yura Zenevich", "custom_role_id": strong}
    async with unchanged(services, workspace):
        refused(await people.post("/memberships", person), 403, "permission_denied")
        answer = await workspace.api.post("/memberships", {**person, "role": "guest"})
        refused(answer, 422, "validation_failed")
    ok(await workspace.api.post("/memberships", person), 201)


async def test_an_undo_gives_none_either(workspace: Workspace, services: Services) -> None:
    strong = await make_role(workspace, *(set(Permission) - KEPT_BACK), name="Everything")
    weak = await make_role(workspace, "task:update", name="Triage")
    await give(workspace, strong)
    taken = await give(workspace, weak)
    path = f"/events/{taken['version']}/undo"
    people = (await workspace.token(services, "admin", "membership:*", "event:*")).at(workspace.api.base)
    async with unchanged(services, workspace):
        refused(await workspace.member.post(path), 403, "permission_denied")
        refused(await people.post(path), 403, "permission_denied")
    ok(await workspace.admin.post(path), 204)
    assert ok(await workspace.member.get("/permissions"))["permissions"]


async def test_opening_a_project_needs_what_it_gives(workspace: Workspace, services: Services) -> None:
    """Who may change a project makes nobody its lead, and shows it to nobody, without having as much."""
    renamer = await make_role(workspace, "project:update")
    project = {"key": "HID", "name": "Hidden", "visibility": "private"}
    ok(await workspace.api.post("/projects", project), 201)
    me = workspace.membership_ids["member"]
    opened = ok(await workspace.api.patch("/projects/HID", {"lead_id": me, "visibility": "workspace"}))
    ok(await workspace.api.patch("/projects/HID", {"lead_id": None, "visibility": "private"}))
    closed = ok(await workspace.api.get("/projects/HID"))
    body = {"membership_id": me, "role": "viewer", "custom_role_id": renamer}
    ok(await workspace.api.post("/projects/HID/grants", body), 201)
    async with unchanged(services, workspace):
        for change in ({"lead_id": me}, {"visibility": "workspace"}, {"visibility": "link"}):
            refused(await workspace.member.patch("/projects/HID", change), 403, "permission_denied")
        answer = await workspace.member.post(f"/events/{closed['version']}/undo")
        refused(answer, 403, "permission_denied")
    assert closed["version"] > opened["version"]
    ok(await workspace.member.patch("/projects/HID", {"name": "Well hidden"}))


async def test_one_in_use_stays(workspace: Workspace, services: Services) -> None:
    role_id = await make_role(workspace, "task:update")
    await give(workspace, role_id)
    async with unchanged(services, workspace):
        refused(await workspace.api.delete(f"/roles/{role_id}"), 409, "in_use")
    await give(workspace, None)
    member = workspace.membership_ids["member"]
    body = {"membership_id": member, "role": "viewer", "custom_role_id": role_id}
    grant = ok(await workspace.api.post("/projects/FLUID/grants", body), 201)
    refused(await workspace.api.delete(f"/roles/{role_id}"), 409, "in_use")
    ok(await workspace.api.delete(f"/projects/FLUID/grants/{grant['id']}"), 204)
    ok(await workspace.api.delete(f"/roles/{role_id}"), 204)
    event = ok(await workspace.api.get("/events?limit=1"))["items"][0]
    ok(await workspace.api.post(f"/events/{event['seq']}/undo"), 204)
    assert ok(await workspace.api.get(f"/roles/{role_id}"))["name"] == "Triage"


async def test_names_and_conventions(workspace: Workspace, services: Services) -> None:
    role_id = await make_role(workspace, "task:read")
    await make_role(workspace, "task:update", name="QA")
    path = f"/roles/{role_id}"
    body = {"name": "qa", "permissions": ["task:read"]}
    for answer in (await workspace.api.patch(path, {"name": "qa"}), await workspace.api.post("/roles", body)):
        (error,) = refused(answer, 409, "already_exists")["errors"]
        assert error["pointer"] == "/name"
    await check_not_modified(workspace.api, path)
    assert [one["name"] for one in await check_pages(workspace.api, "/roles", "/teams")] == ["QA", "Triage"]
    role = ok(await workspace.api.get(path))
    await check_preconditions(
        services,
        workspace,
        lambda **how: workspace.api.request("PATCH", path, json={"description": "First look."}, **how),
        role,
    )

    async def create(**how: Any) -> Answer:
        body = {"name": "Research", "permissions": ["task:read"]}
        return await workspace.api.request("POST", "/roles", **{"json": body, **how})

    await check_replay(services, workspace, create, {"name": "Other", "permissions": ["task:read"]})


def test_every_permission_of_a_project_is_one() -> None:
    assert {one.resource for one in OF_PROJECTS} == {"comment", "grant", "link", "project", "status", "task"}
    assert Permission.PROJECT_CREATE not in OF_PROJECTS
