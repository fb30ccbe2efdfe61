"""What one may do and why: the answer must be what the routes then do."""

from typing import Any

import pytest

from app.models.permissions import OF_PROJECTS, Permission
from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.roles.test_roles import give, make_role
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


def allowed(answer: Any) -> set[str]:
    return {one["permission"] for one in answer["permissions"] if one["allowed"]}


def reasons(answer: Any, permission: str) -> list[Any]:
    found: list[Any] = next(one["by"] for one in answer["permissions"] if one["permission"] == permission)
    return found


async def test_of_the_workspace_by_role(workspace: Workspace) -> None:
    owner = ok(await workspace.api.get("/permissions"))
    assert allowed(owner) == set(Permission) - OF_PROJECTS
    member = ok(await workspace.member.get("/permissions"))
    assert "label:create" in allowed(member)
    assert "membership:update" not in allowed(member)
    assert member["membership_id"] == workspace.membership_ids["member"]
    source = {"kind": "role", "role": "member", "grant_id": None, "team_id": None}
    assert reasons(member, "label:create") == [source]
    assert reasons(member, "membership:update") == []


async def test_of_a_project_by_every_source(workspace: Workspace) -> None:
    """Visibility, a lead, an own grant and a team's grant, each named."""
    me = workspace.membership_ids["member"]
    team = await workspace.team("Design", "member")
    by_team = ok(await workspace.grant("viewer", team_id=team["id"]), 201)
    own = ok(await workspace.grant("commenter", membership_id=me), 201)
    ok(await workspace.api.patch("/projects/FLUID", {"lead_id": me}))
    task = await workspace.task()
    for params in ({"project": "FLUID"}, {"task": task["key"]}, {"task": task["id"]}):
        answer = ok(await workspace.member.get("/permissions", params=params))
        assert answer["project_id"] == workspace.project["id"]
        assert allowed(answer) == set(OF_PROJECTS)
        kinds = [(one["kind"], one["role"], one["grant_id"]) for one in reasons(answer, "task:read")]
        assert sorted(kinds, key=str) == sorted(
            [
                ("visibility", "contributor", None),
                ("lead", "lead", None),
                ("grant", "viewer", by_team["id"]),
                ("grant", "commenter", own["id"]),
            ],
            key=str,
        )
        assert [one["kind"] for one in reasons(answer, "project:update")] == ["lead"]


async def test_a_custom_role_is_named(workspace: Workspace) -> None:
    role_id = await make_role(workspace, "task:update", "label:create")
    await give(workspace, role_id)
    answer = ok(await workspace.member.get("/permissions"))
    assert [one["role"] for one in reasons(answer, "label:create")] == [role_id]
    answer = ok(await workspace.member.get("/permissions?project=FLUID"))
    assert allowed(answer) == {"project:read", "status:read", "task:read", "task:update"}


async def test_of_others_for_who_may_change_that(workspace: Workspace, services: Services) -> None:
    me = workspace.membership_ids["admin"]
    params = {"membership": me, "project": "FLUID"}
    assert allowed(ok(await workspace.api.get("/permissions", params=params))) == set(OF_PROJECTS)
    refused(await workspace.member.get("/permissions", params=params), 403, "permission_denied")
    refused(await workspace.member.get("/permissions", params={"membership": me}), 403, "permission_denied")
    lead = await workspace.guest(services, FLUID="lead")
    ok(await lead.get("/permissions", params=params))
    refused(await workspace.api.get(f"/permissions?membership={new_id()}"), 404, "not_found")
    ok(await workspace.api.patch("/projects/FLUID", {"visibility": "private"}))
    unseen = {"membership": workspace.membership_ids["member"], "project": "FLUID"}
    refused(await lead.get("/permissions", params=unseen), 404, "not_found")


async def test_of_what_one_does_not_see(workspace: Workspace, services: Services) -> None:
    ok(await workspace.api.post("/projects", {"key": "HID", "name": "Hidden", "visibility": "private"}), 201)
    hidden = ok(await workspace.api.post("/tasks", {"project_id": "HID", "title": "A secret plan"}), 201)
    for params in ({"project": "HID"}, {"task": hidden["id"]}, {"task": "HID-1"}, {"project": "NONE"}):
        refused(await workspace.member.get("/permissions", params=params), 404, "not_found")
    both = {"project": "FLUID", "task": hidden["id"]}
    problem = refused(await workspace.api.get("/permissions", params=both), 422, "validation_failed")
    assert problem["errors"][0]["detail"] == "Only one of these may be given: project, task."


async def test_of_each_project_its_own(workspace: Workspace) -> None:
    private = {"key": "DECA", "name": "Decapod", "visibility": "private"}
    ok(await workspace.api.post("/projects", private), 201)
    params = {"project": "DECA", "membership": workspace.membership_ids["member"]}
    assert allowed(ok(await workspace.api.get("/permissions", params=params))) == set()
    assert allowed(ok(await workspace.api.get("/permissions", params=params | {"project": "FLUID"})))


async def test_who_has_left_may_nothing(workspace: Workspace) -> None:
    member = workspace.membership_ids["member"]
    ok(await workspace.api.get("/permissions", params={"membership": member}))
    ok(await workspace.api.delete(f"/memberships/{member}"))
    refused(await workspace.api.get("/permissions", params={"membership": member}), 404, "not_found")
