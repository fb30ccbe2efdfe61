import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.identities.browser import LINK, Browser, identity_of, somebody
from app.tests.test_api.identities.conftest import Configure

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me/identities"


@pytest.fixture
def member(workspace: Workspace, provider: OpenIdProvider, configure: Configure) -> Browser:
    configure(create_accounts=False)
    return Browser(workspace.member.at(""), provider, LINK)


async def test_it_logs_nobody_in_any_more(member: Browser, services: Services) -> None:
    claims = somebody()
    identity = ok(await member.log_in(**claims))
    answer = await member.client.delete(f"{PATH}/{identity['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await identity_of(services, claims["sub"]) is None
    outside = Browser(member.client.as_(None), member.provider)
    refused(await outside.log_in(**claims), 403, "identity_unknown")
    refused(await member.client.delete(f"{PATH}/{identity['id']}"), 404, "not_found")


async def test_anothers_is_not_there(member: Browser, workspace: Workspace, services: Services) -> None:
    claims = somebody()
    identity = ok(await member.log_in(**claims))
    refused(await workspace.api.at("").delete(f"{PATH}/{identity['id']}"), 404, "not_found")
    assert await identity_of(services, claims["sub"]) is not None


async def test_the_last_way_to_log_in_stays(
    anonymous: Client, provider: OpenIdProvider, configure: Configure, services: Services
) -> None:
    configure()
    claims = somebody()
    tokens = ok(await Browser(anonymous, provider).log_in(**claims))
    client = anonymous.as_(tokens["access_token"])
    (identity,) = ok(await client.get(PATH))["items"]
    refused(await client.delete(f"{PATH}/{identity['id']}"), 409, "last_identity")
    assert await identity_of(services, claims["sub"]) is not None
    # With another one there is another way.
    second = ok(await Browser(client, provider, LINK).log_in(**somebody()))
    ok(await client.delete(f"{PATH}/{identity['id']}"), 204)
    refused(await client.delete(f"{PATH}/{second['id']}"), 409, "last_identity")


async def test_what_its_groups_gave_ends_with_it(
    workspace: Workspace, provider: OpenIdProvider, configure: Configure
) -> None:
    configure(group_roles=[{"group": "staff", "workspace": workspace.slug, "role": "admin"}])
    stranger = Browser(workspace.stranger.at(""), provider, LINK)
    identity = ok(await stranger.log_in(**somebody(groups=["staff"])))
    ok(await workspace.stranger.get("/tasks"))
    ok(await stranger.client.delete(f"{PATH}/{identity['id']}"), 204)
    refused(await workspace.stranger.get("/tasks"), 404, "not_found")


async def test_one_must_have_proven_lately_who_one_is(
    member: Browser, services: Services, clock: TestClock
) -> None:
    claims = somebody()
    identity = ok(await member.log_in(**claims))
    clock.forward(minutes=11)
    refused(await member.client.delete(f"{PATH}/{identity['id']}"), 403, "reauthentication_required")
    refused(await member.client.as_(None).delete(f"{PATH}/{identity['id']}"), 401, "authentication_required")
    assert await identity_of(services, claims["sub"]) is not None
