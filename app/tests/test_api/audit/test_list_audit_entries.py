from datetime import timedelta
from typing import Any

import pytest

from app.models.audit import AuditKind
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import MEMBERS_AND_STRANGERS, check_denied, check_not_modified, check_pages
from app.tests.support.factories import Workspace, make_user
from app.tests.support.invitations import accept, invite, newcomer, placeholder, token_of
from app.tests.support.origins import coming_from

pytestmark = pytest.mark.anyio


@pytest.fixture
async def audited(services: Services, workspace: Workspace) -> Workspace:
    """A workspace whose founding and people have been copied, and whose member has logged in."""
    await services.audit_follower.follow(workspace.id)
    with coming_from("192.0.2.1", "pastis-web/1"):
        await services.audit.record(AuditKind.LOGIN_CREATE, workspace.users["member"].id, methods=["pwd"])
        await services.audit.record(AuditKind.LOGIN_FAIL, workspace.users["stranger"].id, method="pwd")
    return workspace


async def kinds(client: Client, **params: str) -> list[str]:
    items: list[dict[str, Any]] = ok(await client.get("/audit", params=params))["items"]
    return [entry["kind"] for entry in items]


async def test_the_workspace_and_its_members(audited: Workspace) -> None:
    items = ok(await audited.api.get("/audit"))["items"]
    told = [entry["kind"] for entry in items]
    assert told == ["login.create", "membership.create", "membership.create", "workspace.create"]
    assert items[1]["detail"]["changes"][0]["set"]["role"] == "member"
    assert items[1]["event"] == 3
    assert items[1]["actor"]["membership_id"] == audited.membership_ids["owner"]
    assert await kinds(audited.admin) == told


async def test_where_members_log_in_is_theirs(audited: Workspace) -> None:
    login = ok(await audited.api.get("/audit"))["items"][0]
    assert login["user_id"] == audited.users["member"].id
    assert (login["address"], login["client"]) == (None, None)


async def test_hashes_and_chains_stay_inside(audited: Workspace) -> None:
    for entry in ok(await audited.api.get("/audit"))["items"]:
        assert not {"hash", "previous_hash", "workspace_ids"} & set(entry)


async def test_filters(audited: Workspace, services: Services) -> None:
    assert await kinds(audited.api, kind="login.create") == ["login.create"]
    assert await kinds(audited.api, kind="passkey.add") == []
    member = audited.membership_ids["member"]
    assert await kinds(audited.api, membership=member) == ["login.create", "membership.create"]
    owner = audited.membership_ids["owner"]
    assert await kinds(audited.api, membership=owner) == [*["membership.create"] * 2, "workspace.create"]
    at = ok(await audited.api.get("/audit"))["items"][1]["at"]
    assert await kinds(audited.api, since=at) == ["login.create", "membership.create"]
    assert await kinds(audited.api, until=at) == ["membership.create", "workspace.create"]
    tomorrow = (services.clock.now() + timedelta(days=1)).isoformat()
    assert await kinds(audited.api, since=tomorrow) == []


async def test_a_placeholder_has_what_was_done_to_it_alone(audited: Workspace, services: Services) -> None:
    made = ok(await audited.api.post("/memberships", {"display_name": "Heidi Hazelton"}), 201)
    await services.audit_follower.follow(audited.id)
    assert await kinds(audited.api, membership=made["id"]) == ["membership.create"]


async def test_another_workspaces_membership_has_nothing_here(
    audited: Workspace, other_workspace: Workspace
) -> None:
    """Also where the same account is in both."""
    body = {"email": audited.users["member"].email}
    foreign = ok(await other_workspace.api.post("/memberships", body), 201)
    assert await kinds(audited.api, membership=foreign["id"]) == []


async def test_what_happened_before_and_after_somebody_was_here_is_not_the_workspaces(
    audited: Workspace, services: Services
) -> None:
    user = await make_user(services)
    await services.audit.record(AuditKind.LOGIN_CREATE, user.id)
    made = ok(await audited.api.post("/memberships", {"email": user.email}), 201)
    await services.audit.record(AuditKind.PASSWORD_CHANGE, user.id)
    ok(await audited.api.delete(f"/memberships/{made['id']}"))
    await services.audit.record(AuditKind.LOGIN_CREATE, user.id)
    await services.audit_follower.follow(audited.id)
    told = await kinds(audited.api, membership=made["id"])
    assert told == ["membership.remove", "password.change", "membership.create"]


async def test_pages(audited: Workspace) -> None:
    path = f"/api/v1/workspaces/{audited.id}/audit"
    await check_pages(audited.api.at(""), path, "/api/v1/me/audit")


async def test_not_modified(audited: Workspace) -> None:
    await check_not_modified(audited.api, "/audit")


@pytest.mark.parametrize(
    "params",
    [
        {"kind": "login"},
        {"kind": "LOGIN_CREATE"},
        {"membership": "me"},
        {"membership": "$ne"},
        {"since": "yesterday"},
        {"since": "1700000000"},
        {"until": "2026-11-23T09:00:00"},
        {"limit": "0"},
        {"limit": "201"},
        {"user": "x"},
    ],
    ids=str,
)
async def test_bad_parameters(workspace: Workspace, params: dict[str, str]) -> None:
    answer = await workspace.api.get("/audit", params=params)
    assert answer.json()["code"] in ("validation_failed", "unknown_parameter")
    assert answer.status_code == 422


async def test_for_admins_alone(services: Services, workspace: Workspace) -> None:
    await check_denied(services, workspace, lambda client: client.get("/audit"), MEMBERS_AND_STRANGERS)


async def test_another_workspaces_cursor_is_refused(audited: Workspace, other_workspace: Workspace) -> None:
    cursor = ok(await audited.api.get("/audit", params={"limit": "1"}))["next_cursor"]
    refused(await other_workspace.api.get("/audit", params={"cursor": cursor}), 422, "invalid_cursor")


async def test_who_invited_who_came_and_who_was_merged(
    audited: Workspace, services: Services, anonymous: Client
) -> None:
    person = await placeholder(audited)
    token = token_of(await invite(audited, membership_id=person))
    user, client = await newcomer(services, anonymous)
    ok(await accept(client, token))
    ok(await audited.api.delete(f"/invitations/{(await invite(audited))['id']}"), 204)
    other = await placeholder(audited, "Y. Z.")
    ok(await audited.api.post(f"/memberships/{other}/merge", {"into_id": person}))
    await services.audit_follower.follow(audited.id)
    items = ok(await audited.api.get("/audit"))["items"][:5]
    assert [one["kind"] for one in items if one["kind"] != "membership.create"] == [
        *("membership.merge", "invitation.delete", "invitation.create", "invitation.accept"),
    ]
    accepted = next(one for one in items if one["kind"] == "invitation.accept")
    assert (accepted["user_id"], accepted["actor"]["user_id"]) == (user.id, user.id)
    assert accepted["detail"]["changes"][0]["set"]["user_id"] == user.id


async def test_who_gets_into_a_project(workspace: Workspace, services: Services) -> None:
    """Its lead and its visibility are told, and nothing else that is done to a project."""
    for changes in (
        {"name": "Infusion"},
        {"visibility": "link"},
        {"lead_id": workspace.membership_ids["member"]},
    ):
        ok(await workspace.api.patch("/projects/FLUID", changes))
    await services.audit_follower.follow(workspace.id)
    told = ok(await workspace.api.get("/audit?kind=project.update"))["items"]
    assert [list(one["detail"]["changes"][0]["set"]) for one in told] == [["lead_id"], ["visibility"]]
