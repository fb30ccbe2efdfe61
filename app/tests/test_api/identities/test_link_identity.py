"""Linking an identity to one's account: POST /me/identities/{provider}/start and /finish."""

import pytest

from app.models.identities import Identity
from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.identities.browser import LINK, LOGIN, Browser, identity_of, session_of, somebody
from app.tests.test_api.identities.conftest import Configure

pytestmark = pytest.mark.anyio


@pytest.fixture
def member(workspace: Workspace, provider: OpenIdProvider, configure: Configure) -> Browser:
    """The member of a workspace, who is logged in, at the page of their account."""
    configure(create_accounts=False)
    return Browser(workspace.member.at(""), provider, LINK)


async def test_from_then_on_one_logs_in_with_it(
    member: Browser, workspace: Workspace, services: Services
) -> None:
    claims = somebody(email_verified=False)
    shown = ok(await member.log_in(**claims), 200)
    user = workspace.users["member"]
    assert (shown["user_id"], shown["subject"], shown["provider"]) == (user.id, claims["sub"], "tests")
    assert (await identity_of(services, claims["sub"]) or {})["_id"] == shown["id"]
    outside = Browser(member.client.as_(None), member.provider)
    tokens = ok(await outside.log_in(**claims))
    assert ok(await outside.client.as_(tokens["access_token"]).get("/api/v1/me"))["id"] == user.id


async def test_it_opens_no_login(member: Browser, workspace: Workspace, services: Services) -> None:
    ok(await member.log_in(**somebody()))
    await session_of(services, workspace.users["member"].id)


async def test_the_same_one_again_is_the_same(member: Browser, services: Services) -> None:
    claims = somebody()
    first, second = ok(await member.log_in(**claims)), ok(await member.log_in(**claims))
    assert first["id"] == second["id"]
    assert await services.database.collection(Identity).count_documents({"subject": claims["sub"]}) == 1


async def test_one_that_is_anothers_stays_theirs(
    member: Browser, workspace: Workspace, services: Services
) -> None:
    claims = somebody()
    ok(await member.log_in(**claims))
    admin = Browser(workspace.admin.at(""), member.provider, LINK)
    body = await admin.returned(**claims)
    before = await identity_of(services, claims["sub"])
    problem = refused(await admin.finish(body), 409, "already_exists")
    assert [one["pointer"] for one in problem["errors"]] == ["/code"]
    assert await identity_of(services, claims["sub"]) == before


async def test_one_must_have_proven_lately_who_one_is(
    member: Browser, services: Services, clock: TestClock
) -> None:
    claims = somebody()
    clock.forward(minutes=4)
    body = await member.returned(**claims)
    clock.forward(minutes=7)
    refused(await member.client.post(f"{LINK}/start", {}), 403, "reauthentication_required")
    refused(await member.finish(body), 403, "reauthentication_required")
    assert await identity_of(services, claims["sub"]) is None


async def test_attack_what_another_began_is_not_finished_here(
    member: Browser, workspace: Workspace, services: Services
) -> None:
    """Else an attacker's identity would get into the victim's account."""
    claims = somebody()
    attacker = Browser(workspace.admin.at(""), member.provider, LINK)
    body = await attacker.returned(**claims)
    refused(await member.finish(body), 404, "not_found")
    login = await Browser(member.client.as_(None), member.provider, LOGIN).returned(**claims)
    refused(await member.finish(login), 404, "not_found")
    assert await identity_of(services, claims["sub"]) is None


async def test_without_a_login(member: Browser) -> None:
    outside = Browser(member.client.as_(None), member.provider, LINK)
    refused(await outside.client.post(f"{LINK}/start", {}), 401, "authentication_required")
    body = await member.returned(**somebody())
    refused(await outside.finish(body), 401, "authentication_required")


async def test_where_people_come_back_to(member: Browser) -> None:
    body = {"redirect_uri": "https://evil.example/"}
    refused(await member.client.post(f"{LINK}/start", body), 422, "validation_failed")
    refused(await member.client.post(f"{LINK}/start", {"remember_me": True}), 422, "validation_failed")
    refused(await member.client.post("/api/v1/me/identities/nowhere/start", {}), 404, "not_found")


async def test_groups_count_from_the_start(
    workspace: Workspace, provider: OpenIdProvider, configure: Configure, services: Services
) -> None:
    mapping = [{"group": "staff", "workspace": workspace.slug, "role": "member"}]
    configure(group_roles=mapping)
    stranger = Browser(workspace.stranger.at(""), provider, LINK)
    refused(await workspace.stranger.get("/tasks"), 404, "not_found")
    ok(await stranger.log_in(**somebody(groups=["staff"])))
    ok(await workspace.stranger.get("/tasks"))
