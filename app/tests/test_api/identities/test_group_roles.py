"""Roles that follow from groups of the provider, at each login."""

from typing import Any

import pytest

from app.core.documents import Doc
from app.models.memberships import Membership
from app.services.bootstrap import Services
from app.tests.support import replay
from app.tests.support.clients import Client, ok
from app.tests.support.conventions import last_event, unchanged
from app.tests.support.factories import Workspace
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.identities.browser import Browser, somebody, user_of
from app.tests.test_api.identities.conftest import Configure

pytestmark = pytest.mark.anyio


@pytest.fixture
def groups(
    anonymous: Client, provider: OpenIdProvider, configure: Configure, workspace: Workspace
) -> Browser:
    mapping = [
        {"group": "staff", "workspace": workspace.slug, "role": "member"},
        {"group": "leads", "workspace": workspace.id, "role": "admin"},
        {"group": "visitors", "workspace": workspace.slug, "role": "guest"},
        {"group": "lost", "workspace": "nowhere", "role": "member"},
    ]
    configure(group_roles=mapping, groups_claim="roles")
    return Browser(anonymous, provider)


async def membership(services: Services, workspace: Workspace, claims: Doc) -> Doc | None:
    user = await user_of(services, claims["email"])
    assert user is not None
    query = {"workspace_id": workspace.id, "user_id": user["_id"]}
    return await services.database.collection(Membership).find_one(query)


async def role(services: Services, workspace: Workspace, claims: Doc) -> str | None:
    found = await membership(services, workspace, claims)
    return None if found is None or found["removed_at"] else str(found["role"])


async def test_a_group_lets_its_people_in(groups: Browser, services: Services, workspace: Workspace) -> None:
    claims = somebody(roles=["staff", "others"])
    tokens = ok(await groups.log_in(**claims))
    client = groups.client.as_(tokens["access_token"]).at(f"/api/v1/workspaces/{workspace.slug}")
    ok(await client.get("/tasks"))
    event = await last_event(services, workspace)
    user = await user_of(services, claims["email"])
    assert user is not None
    assert event["command"] == "membership.follow"
    assert event["actor"] == {"kind": "identity_source", "user_id": user["_id"], "membership_id": None}
    assert event["source"] == {"channel": "oidc", "client": "tests", "request_id": None}
    shown = ok(await workspace.api.get(f"/events/{event['seq']}"))
    assert shown["actor"]["kind"] == "identity_source"
    assert "given_by" not in str(shown)
    people = ok(await workspace.api.get("/memberships"))["items"]
    assert "given_by" not in str(people)
    assert "Clayton Lewis" in [one["display_name"] for one in people]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["staff"], ["staff"], "member"),
        (["staff"], ["staff", "leads"], "admin"),
        (["leads", "staff"], ["staff"], "member"),
        (["leads"], [], None),
        (["staff"], None, None),
        (["staff"], {"staff": True}, None),
        ([], "staff", "member"),
        (None, ["leads"], "admin"),
        ([], ["lost"], None),
        (["staff"], ["visitors"], "guest"),
        (["leads"], ["visitors", "staff"], "member"),
    ],
    ids=str,
)
async def test_roles_follow_the_groups(
    groups: Browser,
    services: Services,
    workspace: Workspace,
    before: Any,
    after: Any,
    expected: str | None,
) -> None:
    claims = somebody()
    for roles in (before, after, after):
        ok(await groups.log_in(**claims, roles=roles))
    assert await role(services, workspace, claims) == expected


async def test_what_changes_nothing_leaves_no_trace(
    groups: Browser, services: Services, workspace: Workspace
) -> None:
    claims = somebody(roles=["staff"])
    ok(await groups.log_in(**claims))
    async with unchanged(services, workspace):
        ok(await groups.log_in(**claims))


async def test_whoever_left_the_group_is_out_at_once(
    groups: Browser, services: Services, workspace: Workspace
) -> None:
    claims = somebody()
    first = ok(await groups.log_in(**claims, roles=["staff"]))
    client = groups.client.as_(first["access_token"]).at(f"/api/v1/workspaces/{workspace.slug}")
    ok(await client.get("/tasks"))
    ok(await groups.log_in(**claims, roles=[]))
    # The former login too: it is the membership that has ended.
    assert (await client.get("/tasks")).status_code == 404
    ended = await membership(services, workspace, claims)
    ok(await groups.log_in(**claims, roles=["staff"]))
    again = await membership(services, workspace, claims)
    assert ended is not None
    assert again is not None
    assert again["_id"] == ended["_id"], "the name stays on what the person did"
    ok(await client.get("/tasks"))


async def test_what_people_gave_is_left_alone(
    groups: Browser, services: Services, workspace: Workspace
) -> None:
    claims = somebody()
    ok(await groups.log_in(**claims))
    ok(await workspace.api.post("/memberships", {"email": claims["email"], "role": "member"}), 201)
    for roles in (["leads"], [], ["staff"]):
        async with unchanged(services, workspace):
            ok(await groups.log_in(**claims, roles=roles))
    assert await role(services, workspace, claims) == "member"


@pytest.mark.parametrize("given", ["owner", "admin", "member", "guest"])
async def test_a_role_that_somebody_gives_by_hand_stays(
    groups: Browser, services: Services, workspace: Workspace, given: str
) -> None:
    """Also the one that the group gave: it does not end with the group any more."""
    claims = somebody()
    ok(await groups.log_in(**claims, roles=["staff"]))
    found = await membership(services, workspace, claims)
    assert found is not None
    ok(await workspace.api.patch(f"/memberships/{found['_id']}", {"role": given}))
    for roles in ([], ["leads"]):
        ok(await groups.log_in(**claims, roles=roles))
    assert await role(services, workspace, claims) == given


async def test_so_does_a_custom_role(groups: Browser, services: Services, workspace: Workspace) -> None:
    claims = somebody()
    ok(await groups.log_in(**claims, roles=["staff"]))
    found = await membership(services, workspace, claims)
    assert found is not None
    custom = ok(await workspace.api.post("/roles", {"name": "Reader", "permissions": ["task:read"]}), 201)
    ok(await workspace.api.patch(f"/memberships/{found['_id']}", {"custom_role_id": custom["id"]}))
    ok(await groups.log_in(**claims, roles=["leads"]))
    kept = await membership(services, workspace, claims)
    assert kept is not None
    assert (kept["role"], kept["custom_role_id"]) == ("member", custom["id"])


async def test_a_name_changed_by_hand_leaves_the_role_with_the_group(
    groups: Browser, services: Services, workspace: Workspace
) -> None:
    claims = somebody()
    ok(await groups.log_in(**claims, roles=["staff"]))
    found = await membership(services, workspace, claims)
    assert found is not None
    ok(await workspace.api.patch(f"/memberships/{found['_id']}", {"display_name": "Clay"}))
    ok(await groups.log_in(**claims, roles=[]))
    assert await role(services, workspace, claims) is None


async def test_the_last_owner_stays_whatever_groups_say(
    groups: Browser, services: Services, workspace: Workspace
) -> None:
    claims = somebody()
    ok(await groups.log_in(**claims, roles=["leads"]))
    found = await membership(services, workspace, claims)
    assert found is not None
    ok(await workspace.api.patch(f"/memberships/{found['_id']}", {"role": "owner"}))
    former = workspace.membership_ids["owner"]
    ok(await workspace.api.delete(f"/memberships/{former}"))
    ok(await groups.log_in(**claims, roles=[]))
    assert await role(services, workspace, claims) == "owner"


async def test_whoever_was_put_out_by_hand_comes_back_with_the_group_and_leaves_with_it(
    groups: Browser, services: Services, workspace: Workspace
) -> None:
    claims = somebody()
    ok(await groups.log_in(**claims, roles=["staff"]))
    found = await membership(services, workspace, claims)
    assert found is not None
    ok(await workspace.api.delete(f"/memberships/{found['_id']}"))
    ok(await workspace.api.post("/memberships", {"email": claims["email"], "role": "member"}), 201)
    ok(await groups.log_in(**claims, roles=[]))
    assert await role(services, workspace, claims) == "member", "it was given by hand this time"
    ok(await workspace.api.delete(f"/memberships/{found['_id']}"))
    ok(await groups.log_in(**claims, roles=["staff"]))
    assert await role(services, workspace, claims) == "member", "as the guide to single sign-on says"
    ok(await groups.log_in(**claims, roles=[]))
    assert await role(services, workspace, claims) is None


async def test_the_log_adds_up(groups: Browser, services: Services, workspace: Workspace) -> None:
    claims = somebody()
    start = await replay.head(services.database, workspace.id)
    before = await replay.snapshot(services.database, workspace.id)
    for roles in (["staff"], ["leads"], [], ["staff"]):
        ok(await groups.log_in(**claims, roles=roles))
    assert await replay.head(services.database, workspace.id) == start + 4
    events = await replay.events_after(services.database, workspace.id, start)
    assert replay.replay(before, events) == await replay.snapshot(services.database, workspace.id)
