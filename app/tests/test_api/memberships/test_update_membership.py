import asyncio
from typing import Any

import pytest

from app.models.memberships import Membership
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


def path(workspace: Workspace, role: str) -> str:
    return f"/memberships/{workspace.membership_ids[role]}"


@pytest.mark.parametrize("actor", ["owner", "admin"])
async def test_admins_change(workspace: Workspace, services: Services, actor: str) -> None:
    before = ok(await workspace.api.get(path(workspace, "member")))
    body = {"display_name": "Anastasia", "role": "admin"}
    changed = ok(await client_of(workspace, actor).patch(path(workspace, "member"), body), 200)
    stamps = {name: changed[name] for name in ("version", "updated_at")}
    assert changed == before | body | stamps
    assert changed["version"] > before["version"]
    assert ok(await workspace.api.get(path(workspace, "member"))) == changed
    kept = await stored(services, Membership, changed["id"])
    assert kept is not None
    assert (kept["role"], kept["display_name"]) == ("admin", "Anastasia")
    (op,) = (await last_event(services, workspace))["ops"]
    assert (op["before"]["role"], op["set"]["role"]) == ("member", "admin")


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.patch(path(workspace, "member"), {"role": "admin"})

    await check_denied(services, workspace, send)


@pytest.mark.usefixtures("long_memory")
async def test_a_role_counts_from_the_next_request_on(workspace: Workspace) -> None:
    refused(await workspace.member.patch("", {"name": "Mine"}), 403, "permission_denied")
    ok(await workspace.api.patch(path(workspace, "member"), {"role": "admin"}))
    ok(await workspace.member.patch("", {"name": "Ours"}))
    ok(await workspace.api.patch(path(workspace, "member"), {"role": "member"}))
    refused(await workspace.member.patch("", {"name": "Mine"}), 403, "permission_denied")


@pytest.mark.parametrize(
    ("actor", "target", "body"),
    [
        ("admin", "owner", {"role": "member"}),
        ("admin", "owner", {"display_name": "Fooled"}),
        ("admin", "owner", {}),
        ("admin", "member", {"role": "owner"}),
        ("admin", "admin", {"role": "owner"}),
    ],
)
async def test_nobody_reaches_above_their_own_role(
    workspace: Workspace, services: Services, actor: str, target: str, body: Any
) -> None:
    async with unchanged(services, workspace):
        answer = await client_of(workspace, actor).patch(path(workspace, target), body)
        problem = refused(answer, 403, "permission_denied")
    # Not the permission to change memberships, which an admin has.
    assert problem["detail"] == "This needs the role owner, and of an API token the scope *:*."


@pytest.mark.parametrize("role", ["admin", "member"])
async def test_the_last_owner_stays(workspace: Workspace, services: Services, role: str) -> None:
    async with unchanged(services, workspace):
        answer = await workspace.api.patch(path(workspace, "owner"), {"role": role})
        refused(answer, 409, "last_owner")
    ok(await workspace.api.patch(path(workspace, "admin"), {"role": "owner"}))
    assert ok(await workspace.api.patch(path(workspace, "owner"), {"role": role}))["role"] == role
    refused(await workspace.admin.patch(path(workspace, "admin"), {"role": role}), 409, "last_owner")


async def test_a_placeholder_owns_nothing(workspace: Workspace, services: Services) -> None:
    """It cannot log in, so a workspace whose other owner left would be nobody's."""
    body = {"display_name": "Nobody", "role": "owner"}
    placeholder = ok(await workspace.api.post("/memberships", body), 201)
    async with unchanged(services, workspace):
        answer = await workspace.api.patch(path(workspace, "owner"), {"role": "member"})
        refused(answer, 409, "last_owner")
        refused(await workspace.api.delete(path(workspace, "owner")), 409, "last_owner")
    changed = await workspace.api.patch(f"/memberships/{placeholder['id']}", {"role": "member"})
    assert ok(changed)["role"] == "member"


async def test_an_owner_who_left_is_none(workspace: Workspace, services: Services) -> None:
    ok(await workspace.api.patch(path(workspace, "admin"), {"role": "owner"}))
    ok(await workspace.api.delete(path(workspace, "admin")))
    async with unchanged(services, workspace):
        answer = await workspace.api.patch(path(workspace, "owner"), {"role": "member"})
        refused(answer, 409, "last_owner")


async def test_of_two_owners_who_step_down_together_one_stays(workspace: Workspace) -> None:
    ok(await workspace.api.patch(path(workspace, "admin"), {"role": "owner"}))
    answers = await asyncio.gather(
        workspace.api.patch(path(workspace, "owner"), {"role": "admin"}),
        workspace.admin.patch(path(workspace, "admin"), {"role": "admin"}),
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    roles = [one["role"] for one in ok(await workspace.member.get("/memberships"))["items"]]
    assert roles.count("owner") == 1


async def test_somebody_who_left_is_not_changed(workspace: Workspace, services: Services) -> None:
    ok(await workspace.api.delete(path(workspace, "member")))
    async with unchanged(services, workspace):
        answer = await workspace.api.patch(path(workspace, "member"), {"role": "admin"})
        refused(answer, 404, "not_found")


async def test_absent_and_foreign(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    async with unchanged(services, workspace, other_workspace):
        for id_ in (new_id(), other_workspace.membership_ids["member"]):
            answer = await workspace.api.patch(f"/memberships/{id_}", {"role": "admin"})
            refused(answer, 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"role": None},
        {"role": "root"},
        {"role": True},
        {"display_name": None},
        {"display_name": "\r\n"},
        {"email": "a@b.example"},
        {"user_id": None},
        {"removed_at": None},
        {"workspace_id": "x"},
    ],
    ids=str,
)
async def test_malformed(workspace: Workspace, services: Services, body: dict[str, Any]) -> None:
    async with unchanged(services, workspace):
        answer = await workspace.api.patch(path(workspace, "member"), body)
        problem = refused(answer, 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [f"/{name}" for name in body]


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.patch(path(workspace, "member"), {"role": "admin"}, **options)

    current = ok(await workspace.api.get(path(workspace, "member")))
    await check_preconditions(services, workspace, send, current)


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    async def send(json: Any = None, **options: Any) -> Answer:
        body = json or {"role": "admin"}
        return await workspace.api.patch(path(workspace, "member"), body, **options)

    await check_replay(services, workspace, send, {"role": "owner"})


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.patch(path(workspace, "member"), {"role": "admin"}, **options)

    await check_dry_run(services, workspace, send)
