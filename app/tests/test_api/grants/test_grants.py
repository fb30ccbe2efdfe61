"""Grants: who gives what to whom, and how fast it counts."""

from typing import Any

import pytest

from app.models.grants import Grant
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    MEMBERS_AND_STRANGERS,
    check_denied,
    check_not_modified,
    check_pages,
    check_preconditions,
    check_replay,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.tests.test_api.roles.test_roles import make_role
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/projects/FLUID/grants"


@pytest.mark.parametrize("holder", ["membership_id", "team_id"])
async def test_create(workspace: Workspace, services: Services, holder: str) -> None:
    team = await workspace.team("Design", "member")
    id_ = {"membership_id": workspace.membership_ids["member"], "team_id": team["id"]}[holder]
    answer = await workspace.grant("viewer", **{holder: id_})
    grant = ok(answer, 201)
    assert (grant["role"], grant[holder], grant["project_id"]) == ("viewer", id_, workspace.project["id"])
    assert answer.headers["location"].endswith(f"/grants/{grant['id']}")
    kept = await stored(services, Grant, grant["id"])
    assert kept is not None
    assert kept["holder_id"] == id_
    assert (await last_event(services, workspace))["command"] == "grant.create"
    async with unchanged(services, workspace):
        (error,) = refused(await workspace.grant("lead", **{holder: id_}), 409, "already_exists")["errors"]
        assert error["pointer"] == f"/{holder}"


async def test_members_and_strangers_may_not(workspace: Workspace, services: Services) -> None:
    member = workspace.membership_ids["member"]

    async def send(client: Client) -> Answer:
        return await client.post(PATH, {"membership_id": member, "role": "lead"})

    await check_denied(services, workspace, send, MEMBERS_AND_STRANGERS)


async def test_exactly_one_holder_who_is_there(workspace: Workspace, services: Services) -> None:
    team = await workspace.team("Design")
    member = workspace.membership_ids["member"]
    gone = workspace.membership_ids["admin"]
    ok(await workspace.api.delete(f"/memberships/{gone}"))
    async with unchanged(services, workspace):
        refused(await workspace.grant("viewer"), 422, "validation_failed")
        answer = await workspace.grant("viewer", membership_id=member, team_id=team["id"])
        (error,) = refused(answer, 422, "validation_failed")["errors"]
        assert error["detail"] == "Only one of these may be given: membership_id, team_id."
        for wrong in (gone, new_id(), team["id"]):
            refused(await workspace.grant("viewer", membership_id=wrong), 404, "not_found")
        refused(await workspace.grant("viewer", team_id=member), 404, "not_found")
        refused(await workspace.grant("king", membership_id=member), 422, "validation_failed")


async def test_nobody_gives_or_takes_what_they_do_not_have(workspace: Workspace, services: Services) -> None:
    """A custom role that may give, and not delete tasks, cannot make a contributor, nor unmake one."""
    giver = await make_role(workspace, "grant:create", "grant:update", "grant:delete", "comment:create")
    guest = await workspace.guest(services)
    mine = ok(await guest.get("/memberships"))["items"]
    me = next(one["id"] for one in mine if one["display_name"] == "Laurel Williams")
    body = {"membership_id": me, "role": "viewer", "custom_role_id": giver}
    own = ok(await workspace.api.post(PATH, body), 201)
    member = workspace.membership_ids["member"]
    strong = ok(await workspace.grant("contributor", membership_id=workspace.membership_ids["admin"]), 201)
    async with unchanged(services, workspace):
        for role in ("lead", "contributor", "commenter"):
            refused(await guest.post(PATH, {"membership_id": member, "role": role}), 403, "permission_denied")
        answer = await guest.patch(f"{PATH}/{own['id']}", {"role": "lead", "custom_role_id": None})
        refused(answer, 403, "permission_denied")
        refused(await guest.delete(f"{PATH}/{strong['id']}"), 403, "permission_denied")
    ok(await guest.post(PATH, {"membership_id": member, "role": "viewer"}), 201)


async def test_a_grant_counts_at_once_and_as_long_as_it_lasts(
    workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", {"key": "HID", "name": "Hidden", "visibility": "private"}), 201)
    task = ok(await workspace.api.post("/tasks", {"project_id": "HID", "title": "A secret plan"}), 201)
    path, member = f"/tasks/{task['id']}", workspace.member
    refused(await member.get(path), 404, "not_found")
    team = await workspace.team("Design", "member")
    grant = ok(await workspace.grant("viewer", "HID", team_id=team["id"]), 201)
    ok(await member.get(path))
    refused(await member.patch(path, {"title": "Mine"}), 403, "permission_denied")
    ok(await workspace.api.patch(f"/projects/HID/grants/{grant['id']}", {"role": "contributor"}))
    ok(await member.patch(path, {"title": "A secret plan, better"}))
    ok(await workspace.api.delete(f"/teams/{team['id']}/members/{workspace.membership_ids['member']}"))
    refused(await member.get(path), 404, "not_found")
    refused(await member.patch(path, {"title": "Mine"}), 404, "not_found")
    ok(await workspace.api.patch("/projects/HID", {"lead_id": workspace.membership_ids["member"]}))
    ok(await member.patch(path, {"title": "Led"}))


async def test_conventions(workspace: Workspace, services: Services) -> None:
    grant = ok(await workspace.grant("viewer", membership_id=workspace.membership_ids["member"]), 201)
    ok(await workspace.grant("viewer", membership_id=workspace.membership_ids["admin"]), 201)
    path = f"{PATH}/{grant['id']}"
    await check_not_modified(workspace.api, path)
    await check_pages(workspace.api, PATH, "/teams")
    await check_preconditions(
        services,
        workspace,
        lambda **how: workspace.api.request("PATCH", path, json={"role": "lead"}, **how),
        grant,
    )
    team = await workspace.team("Design")

    async def create(**how: Any) -> Answer:
        body = {"team_id": team["id"], "role": "viewer"}
        return await workspace.api.request("POST", PATH, **{"json": body, **how})

    await check_replay(services, workspace, create, {"team_id": team["id"], "role": "lead"})


async def test_an_archived_project_gives_nothing_new(workspace: Workspace, services: Services) -> None:
    ok(await workspace.api.post("/projects/FLUID/archive"))
    async with unchanged(services, workspace):
        answer = await workspace.grant("viewer", membership_id=workspace.membership_ids["member"])
        refused(answer, 409, "archived")


async def test_a_replayed_answer_is_for_who_may_still_see_it(
    workspace: Workspace, services: Services
) -> None:
    guest = await workspace.guest(services, FLUID="contributor")
    headers = {"Idempotency-Key": "the-same-key"}
    body = {"project_id": "FLUID", "title": "Focus is lost"}
    ok(await guest.post("/tasks", body, headers=headers), 201)
    ok(await guest.post("/tasks", body, headers=headers), 201)
    grants = ok(await workspace.api.get(PATH))["items"]
    ok(await workspace.api.post("/projects", {"key": "OTHER", "name": "Elsewhere"}), 201)
    me = grants[0]["membership_id"]
    ok(await workspace.grant("contributor", "OTHER", membership_id=me), 201)
    ok(await workspace.api.delete(f"{PATH}/{grants[0]['id']}"), 204)
    refused(await guest.post("/tasks", body, headers=headers), 404, "not_found")


async def test_a_grant_is_of_its_project(workspace: Workspace, services: Services) -> None:
    ok(await workspace.api.post("/projects", {"key": "DECA", "name": "Decapod"}), 201)
    grant = ok(await workspace.grant("viewer", membership_id=workspace.membership_ids["member"]), 201)
    path = f"/projects/DECA/grants/{grant['id']}"
    async with unchanged(services, workspace):
        refused(await workspace.api.get(path), 404, "not_found")
        refused(await workspace.api.patch(path, {"role": "lead"}), 404, "not_found")
        refused(await workspace.api.delete(path), 404, "not_found")
