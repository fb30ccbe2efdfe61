from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.core.security import token_hash
from app.models.identities import IdentityRequest
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.identities.browser import LOGIN, Browser
from app.tests.test_api.identities.conftest import Configure

pytestmark = pytest.mark.anyio


async def test_leads_to_the_provider(browser: Browser, provider: OpenIdProvider) -> None:
    answer = await browser.client.post(f"{LOGIN}/start", {"remember_me": True})
    started = ok(answer, 200)
    assert answer.headers["cache-control"] == "no-store"
    assert started["expires_in"] == 600
    assert started["authorization_url"].startswith(f"{provider.issuer}/authorize?")
    query = dict(parse_qsl(urlsplit(started["authorization_url"]).query))
    assert query.pop("state")
    assert query.pop("nonce")
    assert len(query.pop("code_challenge")) == 43
    assert query == {
        "response_type": "code",
        "client_id": provider.CLIENT_ID,
        "redirect_uri": "http://localhost:8001/auth/oidc/tests",
        "scope": "openid profile email",
        "code_challenge_method": "S256",
    }


async def test_the_database_keeps_hashes_and_nothing_that_opens_a_login(
    browser: Browser, services: Services
) -> None:
    started = await browser.start(remember_me=True)
    query = dict(parse_qsl(urlsplit(started["authorization_url"]).query))
    kept = await services.database.collection(IdentityRequest).find_one({"_id": token_hash(query["state"])})
    assert kept is not None
    assert kept["browser_hash"] == token_hash(started["browser_token"])
    assert (kept["remember_me"], kept["user_id"], kept["provider"]) == (True, None, "tests")
    for secret in (query["state"], query["nonce"], query["code_challenge"], started["browser_token"]):
        assert secret not in str(kept)
    indexes = await services.database.collection(IdentityRequest).index_information()
    assert indexes["identity_requests_expire"]["expireAfterSeconds"] == 0


async def test_no_two_logins_share_anything(browser: Browser) -> None:
    queries = [
        dict(parse_qsl(urlsplit((await browser.start())["authorization_url"]).query)) for _ in range(2)
    ]
    for name in ("state", "nonce", "code_challenge"):
        assert queries[0][name] != queries[1][name]


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/auth/oidc/tests",
        "http://localhost:8001.evil.example/",
        "http://localhost:8001@evil.example/",
        "http://user@localhost:8001/",
        "https://localhost:8001/",
        "http://localhost/",
        "http://localhost:99999/",
        "http://[::1/",
    ],
)
async def test_people_come_back_to_our_own_front_ends_only(
    browser: Browser, services: Services, address: str
) -> None:
    before = await services.database.collection(IdentityRequest).count_documents({})
    problem = refused(
        await browser.client.post(f"{LOGIN}/start", {"redirect_uri": address}), 422, "validation_failed"
    )
    (error,) = problem["errors"]
    assert (error["pointer"], error["code"]) == ("/redirect_uri", "refused")
    assert error["detail"] == "It is refused: it must be at one of these: http://localhost:8001."
    assert await services.database.collection(IdentityRequest).count_documents({}) == before


@pytest.mark.parametrize("fragment", ["#", "#step", "?from=provider#step"])
async def test_an_address_with_a_fragment(browser: Browser, fragment: str) -> None:
    body = {"redirect_uri": f"http://localhost:8001/welcome{fragment}"}
    problem = refused(await browser.client.post(f"{LOGIN}/start", body), 422, "validation_failed")
    (error,) = problem["errors"]
    assert error["pointer"] == "/redirect_uri"
    assert error["detail"] == "It is refused: an address to return to has nothing behind a #."


async def test_another_page_of_the_front_end_may_take_them(browser: Browser) -> None:
    address = "http://localhost:8001/welcome?from=provider"
    started = await browser.start(redirect_uri=address)
    query = dict(parse_qsl(urlsplit(started["authorization_url"]).query))
    assert query["redirect_uri"] == address


async def test_a_provider_that_is_not_there(anonymous: Client) -> None:
    refused(await anonymous.post("/api/v1/auth/oidc/nowhere/start", {}), 404, "not_found")


async def test_settings_of_the_provider_count(anonymous: Client, configure: Configure) -> None:
    configure(scopes=["openid", "groups"])
    started = ok(await anonymous.post(f"{LOGIN}/start", {}))
    assert dict(parse_qsl(urlsplit(started["authorization_url"]).query))["scope"] == "openid groups"


@pytest.mark.parametrize("body", [{"redirect_uri": "javascript:alert(1)"}, {"remember_me": "yes"}, {"x": 1}])
async def test_malformed(browser: Browser, body: dict[str, Any]) -> None:
    refused(await browser.client.post(f"{LOGIN}/start", body), 422, "validation_failed")
