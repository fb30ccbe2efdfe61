from typing import Any

import pytest

from app.models.memberships import Membership
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_replay,
    client_of,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace, log_in, make_user
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

PLACEHOLDER = {"display_name": "Antranig Basman"}


@pytest.mark.parametrize("role", ["owner", "admin"])
@pytest.mark.usefixtures("long_memory")
async def test_admins_let_an_account_in(workspace: Workspace, services: Services, role: str) -> None:
    user = await make_user(services, "Jonathan Hung")
    newcomer = workspace.api.as_(await log_in(services, user))
    refused(await newcomer.get(""), 404, "not_found")
    client = client_of(workspace, role)
    answer = await client.post("/memberships", {"email": user.email.upper()})
    member = ok(answer, 201)
    assert (member["user_id"], member["display_name"], member["role"]) == (user.id, "Jonathan Hung", "member")
    assert (member["workspace_id"], member["removed_at"]) == (workspace.id, None)
    assert answer.headers["location"] == f"{client.base}/memberships/{member['id']}"
    assert answer.headers["etag"] == f'"{member["version"]}"'
    ok(await newcomer.get(""))
    refused(await newcomer.patch("", {"name": "Mine"}), 403, "permission_denied")
    kept = await stored(services, Membership, member["id"])
    assert kept is not None
    assert (kept["workspace_id"], kept["role"]) == (workspace.id, "member")
    event = await last_event(services, workspace)
    assert (event["command"], event["seq"]) == ("membership.create", member["version"])


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    user = await make_user(services)

    async def send(client: Client) -> Answer:
        return await client.post("/memberships", {"email": user.email})

    await check_denied(services, workspace, send)


async def test_the_name_may_be_another_here(workspace: Workspace, services: Services) -> None:
    user = await make_user(services, "Jonathan Hung")
    body = {"email": user.email, "display_name": "Jon"}
    assert ok(await workspace.api.post("/memberships", body), 201)["display_name"] == "Jon"


async def test_a_placeholder_has_no_account(workspace: Workspace, services: Services) -> None:
    member = ok(await workspace.api.post("/memberships", PLACEHOLDER), 201)
    assert (member["user_id"], member["display_name"]) == (None, "Antranig Basman")
    again = ok(await workspace.api.post("/memberships", PLACEHOLDER), 201)
    assert again["id"] != member["id"], "two people may have one name"
    assert await stored(services, Membership, again["id"]) is not None


@pytest.mark.parametrize(
    ("actor", "role", "allowed"),
    [
        ("owner", "owner", True),
        ("owner", "admin", True),
        ("admin", "owner", False),
        ("admin", "admin", True),
        ("admin", "member", True),
    ],
)
async def test_nobody_gives_more_than_they_have(
    workspace: Workspace, services: Services, actor: str, role: str, allowed: bool
) -> None:
    user = await make_user(services)
    body = {"email": user.email, "role": role}
    if allowed:
        assert ok(await client_of(workspace, actor).post("/memberships", body), 201)["role"] == role
        return
    async with unchanged(services, workspace):
        refused(await client_of(workspace, actor).post("/memberships", body), 403, "permission_denied")


async def test_a_member_is_not_let_in_twice(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        for role in ("owner", "admin", "member"):
            body = {"email": workspace.users[role].email, "role": "member"}
            refused(await workspace.api.post("/memberships", body), 409, "already_exists")


@pytest.mark.usefixtures("long_memory")
async def test_a_former_member_comes_back_as_who_they_were(workspace: Workspace, services: Services) -> None:
    id_ = workspace.membership_ids["member"]
    removed = ok(await workspace.api.delete(f"/memberships/{id_}"))
    refused(await workspace.member.get(""), 404, "not_found")
    body = {"id": new_id(), "email": workspace.users["member"].email, "role": "admin"}
    back = ok(await workspace.api.post("/memberships", body), 201)
    assert (back["id"], back["role"], back["removed_at"]) == (id_, "admin", None)
    assert back["version"] > removed["version"]
    ok(await workspace.member.patch("", {"name": "Now an admin"}))
    assert await stored(services, Membership, body["id"]) is None


async def test_one_account_in_many_workspaces(workspace: Workspace, other_workspace: Workspace) -> None:
    body = {"email": workspace.users["member"].email}
    other = ok(await other_workspace.api.post("/memberships", body), 201)
    assert other["id"] != workspace.membership_ids["member"]
    assert len(ok(await workspace.member.at("").get("/api/v1/workspaces"))["items"]) == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/display_name"),
        ({"email": None, "display_name": None}, "/display_name"),
        ({"email": "nobody@fluid.example"}, "/email"),
        ({"email": "x"}, "/email"),
        ({"email": "a" * 255}, "/email"),
        ({"email": {"$ne": None}}, "/email"),
        ({"display_name": " \u200b"}, "/display_name"),
        ({"display_name": "a\u202eb"}, "/display_name"),
        ({"display_name": "x" * 101}, "/display_name"),
        ({**PLACEHOLDER, "role": "root"}, "/role"),
        ({**PLACEHOLDER, "role": None}, "/role"),
        ({**PLACEHOLDER, "role": ["owner"]}, "/role"),
        ({**PLACEHOLDER, "user_id": "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01"}, "/user_id"),
        ({**PLACEHOLDER, "removed_at": None}, "/removed_at"),
        ({**PLACEHOLDER, "id": "7"}, "/id"),
    ],
    ids=str,
)
async def test_malformed(workspace: Workspace, services: Services, body: Any, pointer: str) -> None:
    async with unchanged(services, workspace):
        problem = refused(await workspace.api.post("/memberships", body), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [pointer]


async def test_a_service_account_has_no_address(workspace: Workspace, services: Services) -> None:
    body = {"type": "service", "display_name": "CI", "email": workspace.users["member"].email}
    async with unchanged(services, workspace):
        problem = refused(await workspace.api.post("/memberships", body), 422, "validation_failed")
    (error,) = problem["errors"]
    assert error["pointer"] == "/email"
    assert error["detail"] == "It is refused: a service account has no e-mail address."


async def test_an_id_of_the_clients_own_works_once(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    body = {"id": new_id(), **PLACEHOLDER}
    assert ok(await workspace.api.post("/memberships", body), 201)["id"] == body["id"]
    async with unchanged(services, workspace, other_workspace):
        for one in (workspace, other_workspace):
            refused(await one.api.post("/memberships", body), 409, "already_exists")


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    user = await make_user(services)
    body = {"email": user.email}

    async def send(json: Any = body, **options: Any) -> Answer:
        return await workspace.api.post("/memberships", json, **options)

    await check_replay(services, workspace, send, PLACEHOLDER)


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    user = await make_user(services)

    async def send(**options: Any) -> Answer:
        return await workspace.api.post("/memberships", {"email": user.email}, **options)

    await check_dry_run(services, workspace, send)
