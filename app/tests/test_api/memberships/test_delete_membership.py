from typing import Any

import pytest

from app.models.memberships import Membership
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


def path(workspace: Workspace, role: str) -> str:
    return f"/memberships/{workspace.membership_ids[role]}"


@pytest.mark.parametrize("actor", ["owner", "admin"])
@pytest.mark.usefixtures("long_memory")
async def test_admins_end_a_membership(workspace: Workspace, services: Services, actor: str) -> None:
    before = ok(await workspace.member.get(path(workspace, "member")))
    answer = await client_of(workspace, actor).delete(path(workspace, "member"))
    removed = ok(answer, 200)
    assert removed["removed_at"] is not None
    changed = ("removed_at", "version", "updated_at")
    assert removed == before | {name: removed[name] for name in changed}
    kept = await stored(services, Membership, removed["id"])
    assert kept is not None
    assert kept["removed_at"] is not None
    assert (await last_event(services, workspace))["command"] == "membership.remove"
    for call in (
        workspace.member.get(""),
        workspace.member.get("/tasks"),
        workspace.member.post("/labels", {"name": "Late"}),
    ):
        refused(await call, 404, "not_found")


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.delete(path(workspace, "admin"))

    await check_denied(services, workspace, send)


async def test_nobody_reaches_above_their_own_role(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        refused(await workspace.admin.delete(path(workspace, "owner")), 403, "permission_denied")


async def test_the_last_owner_stays(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        refused(await workspace.api.delete(path(workspace, "owner")), 409, "last_owner")
    ok(await workspace.api.patch(path(workspace, "admin"), {"role": "owner"}))
    ok(await workspace.api.delete(path(workspace, "owner")))
    refused(await workspace.api.get(""), 404, "not_found")
    refused(await workspace.admin.delete(path(workspace, "admin")), 409, "last_owner")


@pytest.mark.parametrize("role", ["admin", "member"])
@pytest.mark.usefixtures("long_memory")
async def test_everybody_can_leave(workspace: Workspace, services: Services, role: str) -> None:
    client = client_of(workspace, role)
    answer = await client.delete(path(workspace, role))
    assert ok(answer, 200)["removed_at"] is not None
    event = await last_event(services, workspace)
    assert (event["command"], event["actor"]["membership_id"]) == (
        "membership.remove",
        workspace.membership_ids[role],
    )
    for call in (client.get(""), client.delete(path(workspace, role)), client.get("/tasks")):
        refused(await call, 404, "not_found")
    assert ok(await client.at("").get("/api/v1/workspaces"))["items"] == []


async def test_a_member_ends_nobody_else_s(workspace: Workspace, services: Services) -> None:
    body = {"display_name": "Nobody", "role": "member"}
    placeholder = ok(await workspace.api.post("/memberships", body), 201)["id"]
    async with unchanged(services, workspace):
        for id_ in (*(workspace.membership_ids[role] for role in ("owner", "admin")), placeholder, new_id()):
            problem = refused(await workspace.member.delete(f"/memberships/{id_}"), 403, "permission_denied")
            assert "membership:delete" in problem["detail"]


async def test_whoever_left_can_join_again(workspace: Workspace) -> None:
    left = ok(await workspace.member.delete(path(workspace, "member")))
    body = {"email": workspace.users["member"].email}
    again = ok(await workspace.api.post("/memberships", body), 201)
    assert (again["id"], again["removed_at"]) == (left["id"], None)
    ok(await workspace.member.get("/tasks"))


async def test_a_placeholder_of_any_role_may_go(workspace: Workspace, services: Services) -> None:
    body = {"display_name": "Nobody", "role": "owner"}
    placeholder = ok(await workspace.api.post("/memberships", body), 201)
    ok(await workspace.api.delete(f"/memberships/{placeholder['id']}"), 200)
    kept = await stored(services, Membership, placeholder["id"])
    assert kept is not None
    assert kept["removed_at"] is not None


async def test_what_they_did_keeps_their_name(workspace: Workspace) -> None:
    task = ok(await workspace.member.post("/tasks", {"project_id": "FLUID", "title": "Theirs"}), 201)
    ok(await workspace.api.delete(path(workspace, "member")))
    shown = ok(await workspace.api.get(f"/tasks/{task['id']}"))
    assert shown["reporter_id"] == workspace.membership_ids["member"]
    assert ok(await workspace.api.get(path(workspace, "member")))["display_name"] == "Anastasia Cheetham"


async def test_elsewhere_they_stay(workspace: Workspace, other_workspace: Workspace) -> None:
    ok(await other_workspace.api.post("/memberships", {"email": workspace.users["member"].email}), 201)
    ok(await workspace.api.delete(path(workspace, "member")))
    ok(await workspace.member.at(other_workspace.api.base).get("/tasks"))


async def test_absent_foreign_and_gone(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.delete(path(workspace, "member")))
    gone, foreign = workspace.membership_ids["member"], other_workspace.membership_ids["member"]
    async with unchanged(services, workspace, other_workspace):
        for id_ in (new_id(), foreign, gone):
            refused(await workspace.api.delete(f"/memberships/{id_}"), 404, "not_found")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.delete(path(workspace, "member"), **options)

    current = ok(await workspace.api.get(path(workspace, "member")))
    await check_preconditions(services, workspace, send, current)


async def test_sent_again_it_answers_the_same(workspace: Workspace, services: Services) -> None:
    headers = {"Idempotency-Key": "remove-once"}
    first = await workspace.api.delete(path(workspace, "member"), headers=headers)
    ok(first, 200)
    async with unchanged(services, workspace):
        again = await workspace.api.delete(path(workspace, "member"), headers=headers)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["idempotency-replayed"] == "true"


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.delete(path(workspace, "member"), **options)

    await check_dry_run(services, workspace, send)
    refused(await workspace.member.get(""), 404, "not_found")
