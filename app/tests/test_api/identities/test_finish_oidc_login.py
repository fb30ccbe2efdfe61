"""Logging in through a provider: who gets in, with which account, for how long."""

import asyncio

import pytest

from app.core.errors import ErrorCode, PastisError
from app.models.identities import Identity
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD, make_user
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.identities.browser import (
    LOGIN,
    Browser,
    identity_of,
    nobody_was_let_in,
    session_of,
    somebody,
    user_of,
)
from app.tests.test_api.identities.conftest import Configure

pytestmark = pytest.mark.anyio


async def test_somebody_new_gets_an_account_and_a_login(browser: Browser, services: Services) -> None:
    claims = somebody()
    answer = await browser.log_in(**claims)
    tokens = ok(answer, 200)
    assert answer.headers["cache-control"] == "no-store"
    me = ok(await browser.client.as_(tokens["access_token"]).get("/api/v1/me"))
    assert (me["email"], me["display_name"]) == (claims["email"], "Clayton Lewis")
    identity = await identity_of(services, claims["sub"])
    assert identity is not None
    assert (identity["user_id"], identity["issuer"]) == (me["id"], browser.provider.issuer)
    session = await session_of(services, me["id"])
    assert session["methods"] == ["fed"]
    user = await user_of(services, claims["email"])
    assert user is not None
    assert user["password_hash"] is None


async def test_the_second_login_is_the_same_account(browser: Browser, services: Services) -> None:
    claims = somebody()
    first = ok(await browser.log_in(**claims))
    # The subject names the person: the address may change, and may even become another account's.
    other = await make_user(services)
    second = ok(await browser.log_in(**{**claims, "email": other.email, "name": "Somebody Else"}))
    names = [
        ok(await browser.client.as_(one["access_token"]).get("/api/v1/me"))["id"] for one in (first, second)
    ]
    assert names[0] == names[1] != other.id
    identity = await identity_of(services, claims["sub"])
    assert identity is not None
    assert identity["email"] == other.email
    assert await services.database.collection(Identity).count_documents({"user_id": names[0]}) == 1


async def test_many_first_logins_at_once_are_one_account(browser: Browser, services: Services) -> None:
    claims = somebody()
    bodies = [await browser.returned(**claims) for _ in range(8)]
    answers = await asyncio.gather(*(browser.finish(one) for one in bodies))
    assert {one.status_code for one in answers} <= {200, 409}
    tokens = [ok(one)["access_token"] for one in answers if one.status_code == 200]
    assert tokens
    ids = {ok(await browser.client.as_(one).get("/api/v1/me"))["id"] for one in tokens}
    assert len(ids) == 1
    assert await services.database.collection(User).count_documents({"email": claims["email"]}) == 1
    assert await services.database.collection(Identity).count_documents({"subject": claims["sub"]}) == 1


async def test_an_account_that_was_never_finished_is_made_at_the_next_login(
    browser: Browser, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = somebody()
    with monkeypatch.context() as broken:

        async def crash(*_: object) -> None:
            raise PastisError(ErrorCode.DATABASE_UNAVAILABLE)

        broken.setattr(services.users, "create_without_password", crash)
        refused(await browser.log_in(**claims), 503, "database_unavailable")
    identity = await identity_of(services, claims["sub"])
    assert identity is not None
    tokens = ok(await browser.log_in(**claims))
    assert ok(await browser.client.as_(tokens["access_token"]).get("/api/v1/me"))["id"] == identity["user_id"]


async def test_an_address_that_somebody_else_takes_at_the_same_moment(
    browser: Browser, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = somebody()
    create = services.users.create_without_password

    async def late(user_id: str, email: str, name: str) -> User | None:
        await services.users.create(email, "Heidi", "the operator's own choice")
        return await create(user_id, email, name)

    monkeypatch.setattr(services.users, "create_without_password", late)
    refused(await browser.log_in(**claims), 409, "account_exists")
    refused(await browser.log_in(**claims), 409, "account_exists")


async def test_attack_an_unverified_address_links_nothing(browser: Browser, services: Services) -> None:
    """Vikunja CVE-2026-34727: whoever writes another's address at a provider must not get their account."""
    victim = await make_user(services)
    for claims in (
        somebody(email=victim.email, email_verified=False),
        somebody(email=victim.email, email_verified="true"),
        somebody(email=victim.email, email_verified=None),
        somebody(email=victim.email.upper(), email_verified=1),
    ):
        # It does not even tell that there is such an account.
        refused(await browser.log_in(**claims), 403, "identity_unknown")
        assert await identity_of(services, claims["sub"]) is None


async def test_attack_not_even_a_verified_address_links_by_itself(
    browser: Browser, services: Services
) -> None:
    victim = await make_user(services)
    claims = somebody(email=victim.email)
    refused(await browser.log_in(**claims), 409, "account_exists")
    assert await identity_of(services, claims["sub"]) is None


async def test_an_unverified_address_makes_no_account(browser: Browser, services: Services) -> None:
    claims = somebody(email_verified=False)
    refused(await browser.log_in(**claims), 403, "identity_unknown")
    await nobody_was_let_in(services, claims)


@pytest.mark.parametrize(
    "email", [None, "", "nonsense", "a@b@c", 5, ["a@fluid.example"], "a\n@fluid.example"]
)
async def test_without_an_address_there_is_no_account(browser: Browser, email: object) -> None:
    refused(await browser.log_in(**somebody(email=email)), 403, "identity_unknown")


async def test_unless_the_operator_trusts_its_addresses(
    anonymous: Client, provider: OpenIdProvider, configure: Configure
) -> None:
    configure(trust_email=True)
    ok(await Browser(anonymous, provider).log_in(**somebody(email_verified=None)), 200)


async def test_accounts_are_made_only_where_that_is_set(
    anonymous: Client, provider: OpenIdProvider, configure: Configure, services: Services
) -> None:
    configure(create_accounts=False)
    claims = somebody()
    refused(await Browser(anonymous, provider).log_in(**claims), 403, "identity_unknown")
    await nobody_was_let_in(services, claims)


async def test_and_only_in_the_domains_that_are_allowed(
    anonymous: Client, provider: OpenIdProvider, configure: Configure, services: Services
) -> None:
    configure(allowed_domains=["@Fluid.example", "idrc.example"])
    browser = Browser(anonymous, provider)
    ok(await browser.log_in(**somebody()), 200)
    for email in ("a@evil.example", "a@sub.fluid.example", "a@xfluid.example"):
        claims = somebody(email=email)
        refused(await browser.log_in(**claims), 403, "identity_unknown")
        await nobody_was_let_in(services, claims)


async def test_a_deactivated_account_stays_out(browser: Browser, services: Services) -> None:
    claims = somebody()
    tokens = ok(await browser.log_in(**claims))
    await services.auth.set_active(claims["email"], active=False)
    refused(await browser.client.as_(tokens["access_token"]).get("/api/v1/me"), 401, "invalid_token")
    refused(await browser.log_in(**claims), 401, "invalid_credentials")


async def test_an_account_without_password_has_none_to_guess(browser: Browser) -> None:
    claims = somebody()
    tokens = ok(await browser.log_in(**claims))
    for password in (PASSWORD, "None", "null"):
        body = {"email": claims["email"], "password": password}
        refused(await browser.client.post("/api/v1/auth/login", body), 401, "invalid_credentials")
    client = browser.client.as_(tokens["access_token"])
    refused(
        await client.post("/api/v1/auth/reauthenticate", {"password": "None"}), 401, "invalid_credentials"
    )


async def test_an_account_without_password_can_have_one(browser: Browser) -> None:
    """Then it needs the provider no more."""
    claims = somebody()
    client = browser.client.as_(ok(await browser.log_in(**claims))["access_token"])
    body = {"password": "another horse battery staple"}
    ok(await client.request("PUT", "/api/v1/me/password", json=body), 204)
    ok(await browser.client.post("/api/v1/auth/login", {"email": claims["email"], **body}))
    problem = refused(await client.request("PUT", "/api/v1/me/password", json=body), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == ["/current_password"]
    (identity,) = ok(await client.get("/api/v1/me/identities"))["items"]
    ok(await client.delete(f"/api/v1/me/identities/{identity['id']}"), 204)


@pytest.mark.parametrize(("remember_me", "hours"), [(False, 12), (True, 720)])
async def test_how_long_it_lasts_was_asked_at_the_start(
    browser: Browser, services: Services, remember_me: bool, hours: int
) -> None:
    claims = somebody()
    started = await browser.start(remember_me=remember_me)
    back = browser.provider.log_in(started["authorization_url"], **claims)
    ok(await browser.finish({**back, "browser_token": started["browser_token"]}))
    user = await user_of(services, claims["email"])
    assert user is not None
    session = await session_of(services, user["_id"])
    assert session["remember_me"] is remember_me
    assert round((session["expires_at"] - session["created_at"]).total_seconds() / 3600) == hours


@pytest.mark.parametrize(
    "claims",
    [
        {"amr": ["pwd", "mfa"]},
        {"amr": ["otp"]},
        {"amr": ["hwk"]},
        {"acr": "gold"},
    ],
    ids=str,
)
async def test_a_second_factor_at_the_provider_is_noted(
    anonymous: Client,
    provider: OpenIdProvider,
    configure: Configure,
    services: Services,
    claims: dict[str, object],
) -> None:
    configure(mfa_acr=["gold"])
    person = somebody(**claims)
    ok(await Browser(anonymous, provider).log_in(**person))
    user = await user_of(services, person["email"])
    assert user is not None
    assert (await session_of(services, user["_id"]))["methods"] == ["fed", "mfa"]


async def test_what_only_userinfo_tells_counts_too(browser: Browser) -> None:
    claims = somebody()
    token = {"sub": claims["sub"]}
    tokens = ok(await browser.log_in({**claims, "name": "From Userinfo"}, **token))
    me = ok(await browser.client.as_(tokens["access_token"]).get("/api/v1/me"))
    assert (me["email"], me["display_name"]) == (claims["email"], "From Userinfo")


async def test_userinfo_of_somebody_else_counts_for_nothing(browser: Browser, services: Services) -> None:
    claims = somebody()
    answer = await browser.log_in(claims, sub="another")
    refused(answer, 403, "identity_refused")
    await nobody_was_let_in(services, claims)


async def test_a_verification_never_counts_for_an_address_from_elsewhere(
    browser: Browser, services: Services
) -> None:
    claims = somebody(email_verified=False)
    token = {"sub": claims["sub"], "email_verified": True}
    refused(await browser.log_in(claims, **token), 403, "identity_unknown")
    await nobody_was_let_in(services, claims)


@pytest.mark.parametrize("name", ["", " \u200b", 5, "x" * 101, None])
async def test_whoever_has_no_name_is_called_by_the_address(browser: Browser, name: object) -> None:
    claims = somebody(name=name)
    tokens = ok(await browser.log_in(**claims))
    me = ok(await browser.client.as_(tokens["access_token"]).get("/api/v1/me"))
    assert me["display_name"] == claims["email"].partition("@")[0]


async def test_a_name_is_mended_not_trusted(browser: Browser) -> None:
    tokens = ok(await browser.log_in(**somebody(name="Clayton\r\n\u202eLewis")))
    me = ok(await browser.client.as_(tokens["access_token"]).get("/api/v1/me"))
    assert me["display_name"] == "Clayton   Lewis"


async def test_it_must_be_finished_in_time(browser: Browser, services: Services, clock: TestClock) -> None:
    claims = somebody()
    body = await browser.returned(**claims)
    clock.forward(minutes=10, seconds=1)
    refused(await browser.finish(body), 404, "not_found")
    await nobody_was_let_in(services, claims)


async def test_a_replayed_answer_opens_nothing(browser: Browser) -> None:
    body = await browser.returned(**somebody())
    ok(await browser.finish(body))
    refused(await browser.finish(body), 404, "not_found")
    # Nor does its code in a login that is begun anew: the provider takes it once.
    again = await browser.returned(**somebody())
    refused(await browser.finish({**again, "code": body["code"]}), 403, "identity_refused")


async def test_attack_an_answer_for_another_browser_is_refused(browser: Browser, services: Services) -> None:
    """Login CSRF: the attacker's own answer, brought to the victim's browser, must not log the victim in."""
    claims = somebody()
    attackers = await browser.returned(**claims)
    victims = await browser.start()
    body = {**attackers, "browser_token": victims["browser_token"]}
    refused(await browser.finish(body), 404, "not_found")
    await nobody_was_let_in(services, claims)
    # It was not spent by the attempt: nobody else can end a login that is under way.
    ok(await browser.finish(attackers))


async def test_attack_a_stolen_code_is_of_no_use_in_another_login(browser: Browser) -> None:
    """PKCE: the code belongs to the login that asked for it."""
    stolen = await browser.returned(**somebody())
    own = await browser.returned(**somebody())
    refused(await browser.finish({**own, "code": stolen["code"]}), 403, "identity_refused")


async def test_a_link_cannot_be_finished_as_a_login(
    browser: Browser, services: Services, provider: OpenIdProvider
) -> None:
    user = await make_user(services)
    tokens = await services.sessions.open(user.id, remember_me=False, client="tests")
    linking = Browser(browser.client.as_(tokens.access_token), provider, "/api/v1/me/identities/tests")
    refused(await browser.finish(await linking.returned(**somebody())), 404, "not_found")


async def test_a_bad_key_and_a_precondition_are_refused(browser: Browser, services: Services) -> None:
    body = await browser.returned(**somebody())
    for name, value, status, code in (
        ("Idempotency-Key", "bad key", 422, "invalid_idempotency_key"),
        ("If-Match", "*", 412, "precondition_failed"),
    ):
        answer = await browser.client.post(f"{LOGIN}/finish", body, headers={name: value})
        refused(answer, status, code)
    ok(await browser.finish(body))


async def test_a_browser_may_have_cookies_instead_of_tokens(browser: Browser) -> None:
    body = {**await browser.returned(**somebody()), "cookies": True}
    ours = {"Origin": "http://pastis.test", "Pastis-Client": "web"}
    for headers in ({}, {**ours, "Origin": "https://evil.example"}, {"Origin": ours["Origin"]}):
        refused(await browser.client.post(f"{LOGIN}/finish", body, headers=headers), 403, "csrf_refused")
    answer = await browser.client.post(f"{LOGIN}/finish", body, headers=ours)
    assert answer.is_success, answer.text
    assert answer.json()["access_token"] is None
    assert set(answer.cookies) == {"pastis_access", "pastis_device", "pastis_refresh"}
    ok(await browser.client.get("/api/v1/me"))
