"""The whole way with a provider that others wrote, in a process of its own."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from app.core.documents import Doc
from app.core.oidc_settings import OidcProvider
from app.services.bootstrap import Services
from app.services.identities.oidc import OidcSource
from app.tests.support import canaille_process as canaille
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.identities.browser import identity_of, session_of, user_of

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("canaille")]
BASE = "/api/v1/auth/oidc/canaille"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with canaille.canaille(tmp_path_factory.mktemp("canaille")) as address:
            yield address
    except canaille.NotRunningError as error:
        pytest.skip(f"Canaille does not run here: {error}")


@pytest.fixture
async def described(services: Services, issuer: str, workspace: Workspace) -> AsyncIterator[OidcSource]:
    """As the guide to single sign-on says."""
    provider = OidcProvider.model_validate(
        {
            "id": "canaille",
            "name": "Canaille",
            "issuer": issuer,
            "client_id": canaille.CLIENT_ID,
            "client_secret": canaille.CLIENT_SECRET,
            "scopes": ["openid", "profile", "email", "groups"],
            "create_accounts": True,
            "trust_email": True,
            "group_roles": [{"group": "leads", "workspace": workspace.slug, "role": "admin"}],
        }
    )
    engine = services.identities
    former = engine._sources
    source = OidcSource(provider, engine._outbound, services.clock)
    engine._sources = {**former, "canaille": source}
    yield source
    engine._sources = former


async def returned(client: Client, name: str, base: str = BASE) -> Doc:
    started = ok(await client.post(f"{base}/start", {}))
    back: dict[str, Any] = canaille.log_in(started["authorization_url"], name)
    return {**back, "browser_token": started["browser_token"]}


@pytest.mark.usefixtures("described")
async def test_from_the_button_to_the_tasks(
    anonymous: Client, services: Services, workspace: Workspace, issuer: str
) -> None:
    body = await returned(anonymous, "justin")
    assert body["iss"] == issuer
    tokens = ok(await anonymous.post(f"{BASE}/finish", body), 200)
    client = anonymous.as_(tokens["access_token"])
    me = ok(await client.get("/api/v1/me"))
    assert (me["email"], me["display_name"]) == ("justin@canaille.example", "Justin Obara")
    assert ok(await client.get(f"/api/v1/workspaces/{workspace.slug}/tasks"))["items"] == []
    people = ok(await workspace.api.get("/memberships"))["items"]
    assert [one["role"] for one in people if one["user_id"] == me["id"]] == ["admin"]
    assert (await session_of(services, me["id"]))["methods"] == ["fed"]
    refused(await anonymous.post(f"{BASE}/finish", body), 404, "not_found")
    # Again, which is the same person.
    again = ok(await anonymous.post(f"{BASE}/finish", await returned(anonymous, "justin")))
    assert ok(await anonymous.as_(again["access_token"]).get("/api/v1/me"))["id"] == me["id"]


@pytest.mark.usefixtures("described")
async def test_its_codes_are_good_once(anonymous: Client) -> None:
    body = await returned(anonymous, "yura")
    ok(await anonymous.post(f"{BASE}/finish", body))
    other = await returned(anonymous, "yura")
    answer = await anonymous.post(f"{BASE}/finish", {**other, "code": body["code"]})
    refused(answer, 403, "identity_refused")


async def test_a_wrong_secret_is_the_operators_to_mend(
    anonymous: Client, services: Services, described: OidcSource
) -> None:
    described.provider = described.provider.model_copy(update={"client_secret": None})
    body = await returned(anonymous, "yura")
    refused(await anonymous.post(f"{BASE}/finish", body), 503, "identity_provider_unavailable")


@pytest.mark.usefixtures("described")
async def test_one_links_it_and_unlinks_it(workspace: Workspace, services: Services) -> None:
    member = workspace.member.at("")
    mine = "/api/v1/me/identities"
    # Whoever has it already must unlink it there.
    known = await identity_of(services, "yura")
    user = await user_of(services, "yura@canaille.example")
    if known is not None and user is not None:
        await services.identities._users.update(user["_id"], {"password": canaille.PASSWORD})
        await services.identities.remove(user["_id"], known["_id"])
    body = await returned(member, "yura", f"{mine}/canaille")
    identity = ok(await member.post(f"{mine}/canaille/finish", body))
    assert (identity["subject"], identity["email"]) == ("yura", "yura@canaille.example")
    ok(await member.delete(f"{mine}/{identity['id']}"), 204)
