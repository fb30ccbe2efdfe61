"""Logins of browsers: cookies that no script reads, and changes that no other site can send."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.core.config import Settings
from app.core.errors import ErrorCode, PastisError
from app.main import create_app
from app.models.users import User
from app.services.access import queries
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import unchanged
from app.tests.support.factories import PASSWORD, Workspace
from app.tests.test_api.auth.logins import log_in, sessions_of

pytestmark = pytest.mark.anyio

AUTH = "/api/v1/auth"
OURS = {"Origin": "http://pastis.test", "Pastis-Client": "tests"}
FRONT = "https://app.fluid.example"
NOT_OURS: list[dict[str, str]] = [
    {},
    {"Origin": "http://pastis.test"},
    {"Pastis-Client": "tests"},
    OURS | {"Pastis-Client": ""},
    OURS | {"Origin": "null"},
    OURS | {"Origin": ""},
    OURS | {"Origin": "pastis.test"},
    OURS | {"Origin": "://"},
    OURS | {"Origin": "https://evil.example"},
    OURS | {"Origin": "http://pastis.test.evil.example"},
    OURS | {"Origin": "http://evil.pastis.test"},
    OURS | {"Origin": "http://pastis.test:8080"},
    OURS | {"Sec-Fetch-Site": "cross-site"},
]


def http_of(settings: Settings, services: Services, base: str) -> httpx2.AsyncClient:
    application = create_app(settings)
    application.state.services = services
    transport = httpx2.ASGITransport(app=application, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=base)


@pytest.fixture
async def secure(test_settings: Settings, services: Services) -> AsyncIterator[Client]:
    """As in production: HTTPS, and a web application of another origin."""
    changes = {"cookie_secure": True, "cors_origins": [FRONT], "public_url": "https://plan.fluid.example/app"}
    async with http_of(test_settings.model_copy(update=changes), services, "https://pastis.test") as http:
        yield Client(http)


async def enter(browser: Client, user: User, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    body = {"email": user.email, "password": PASSWORD, "cookies": True, **more}
    return await browser.post(f"{AUTH}/login", body, headers=OURS | (headers or {}))


def set_by(answer: Answer) -> dict[str, dict[str, str]]:
    """The cookies that an answer sets, with their value and attributes in lower case."""
    found = {}
    for header in answer.headers.get_list("set-cookie"):
        first, *rest = (part.strip().partition("=") for part in header.split(";"))
        found[first[0]] = {"value": first[2]} | {name.lower(): value.lower() for name, _, value in rest}
    return found


async def test_a_login_sets_both_and_tells_neither(anonymous: Client, user: User) -> None:
    answer = await enter(anonymous, user)
    tokens = ok(answer, 200)
    assert tokens == {
        "access_token": None,
        "refresh_token": None,
        "token_type": "cookie",
        "expires_in": tokens["expires_in"],
    }
    cookies = set_by(answer)
    assert cookies.pop("pastis_device").keys() == {"value", "httponly", "path", "samesite", "max-age"}
    assert list(cookies) == ["pastis_access", "pastis_refresh"]
    for cookie in cookies.values():
        assert cookie["value"] not in answer.text
        # No Max-Age: it ends with the browser. No Domain: it is this host's alone.
        assert cookie.keys() == {"value", "httponly", "path", "samesite"}
        assert (cookie["path"], cookie["samesite"]) == ("/", "lax")
    me = ok(await anonymous.get("/api/v1/me"))
    assert me["email"] == user.email


async def test_remembered_ones_outlive_the_browser(anonymous: Client, user: User, clock: TestClock) -> None:
    cookies = set_by(await enter(anonymous, user, remember_me=True))
    assert cookies.pop("pastis_device")["max-age"] == str(400 * 86400)
    for cookie in cookies.values():
        assert int(cookie["max-age"]) in range(30 * 86400 - 5, 30 * 86400 + 1)
    clock.forward(days=1)
    for cookie in set_by(await anonymous.post(f"{AUTH}/refresh", {}, headers=OURS)).values():
        assert int(cookie["max-age"]) in range(29 * 86400 - 5, 29 * 86400 + 1)


async def test_with_https_they_are_bound_to_the_host(secure: Client, user: User) -> None:
    cookies = set_by(await enter(secure, user, {"Origin": FRONT}))
    assert cookies.pop("__Host-pastis_device").keys() >= {"value", "httponly", "path", "samesite", "secure"}
    assert list(cookies) == ["__Host-pastis_access", "__Host-pastis_refresh"]
    for cookie in cookies.values():
        assert cookie.keys() == {"value", "httponly", "path", "samesite", "secure"}
    assert ok(await secure.get("/api/v1/me"))["email"] == user.email


async def test_the_other_names_are_nothing_there(secure: Client, anonymous: Client, user: User) -> None:
    """A name without `__Host-` could have been set by any host of the domain."""
    token = (await log_in(anonymous, user))["access_token"]
    answer = await secure.get("/api/v1/me", headers={"Cookie": f"pastis_access={token}"})
    refused(answer, 401, "authentication_required")


@pytest.mark.parametrize("headers", NOT_OURS, ids=str)
async def test_another_site_changes_nothing(
    anonymous: Client, services: Services, workspace: Workspace, headers: dict[str, str]
) -> None:
    ok(await enter(anonymous, workspace.users["owner"]))
    browser = anonymous.at(workspace.api.base)
    task = ok(await browser.get("/projects"))  # reads need no more than the cookie
    async with unchanged(services, workspace):
        body = {"project_id": "FLUID", "title": "Forged"}
        for method, path, json in (
            ("POST", "/tasks", body),
            ("PATCH", "/projects/FLUID", {"name": "Forged"}),
            ("DELETE", f"/memberships/{workspace.membership_ids['member']}", None),
        ):
            answer = await browser.request(method, path, json=json, headers=headers)
            refused(answer, 403, "csrf_refused")
        for path in ("logout", "refresh", "reauthenticate"):
            answer = await anonymous.post(f"{AUTH}/{path}", {"password": PASSWORD}, headers=headers)
            assert answer.status_code in (403, 422), answer.text
        refused(await anonymous.post(f"{AUTH}/refresh", {}, headers=headers), 403, "csrf_refused")
        answer = await anonymous.request("PUT", "/api/v1/me/password", json={}, headers=headers)
        refused(answer, 403, "csrf_refused")
    assert task["items"]


@pytest.mark.parametrize("headers", NOT_OURS, ids=str)
async def test_another_site_logs_nobody_in(
    anonymous: Client, services: Services, user: User, headers: dict[str, str]
) -> None:
    body = {"email": user.email, "password": PASSWORD, "cookies": True}
    refused(await anonymous.post(f"{AUTH}/login", body, headers=headers), 403, "csrf_refused")
    assert await sessions_of(services, user) == []


@pytest.mark.parametrize("origin", [FRONT, "https://plan.fluid.example", "https://pastis.test"])
async def test_our_own_pages_may(secure: Client, user: User, origin: str) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-site"}
    ok(await enter(secure, user, headers))
    answer = await secure.patch("/api/v1/me", {"display_name": "Justin"}, headers=OURS | headers)
    assert ok(answer)["display_name"] == "Justin"


async def test_the_fast_lane_takes_them_too(anonymous: Client, workspace: Workspace) -> None:
    ok(await enter(anonymous, workspace.users["owner"]))
    browser = anonymous.at(workspace.api.base)
    body = {"project_id": "FLUID", "title": "From a browser"}
    made = ok(await browser.post("/tasks", body, headers=OURS), 201)
    assert ok(await browser.get(f"/tasks/{made['id']}"))["title"] == "From a browser"


async def test_bearer_needs_no_more(anonymous: Client, user: User) -> None:
    client = anonymous.as_((await log_in(anonymous, user))["access_token"])
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    ok(await client.patch("/api/v1/me", {"display_name": "Justin"}, headers=headers))


async def test_a_name_that_somebody_else_points_here_has_no_cookies(anonymous: Client, user: User) -> None:
    """Its `Host` and `Origin` agree, and browsers send our cookies to our host alone."""
    ok(await enter(anonymous, user))
    headers = OURS | {"Origin": "http://evil.example"}
    for method, path in (("POST", f"{AUTH}/refresh"), ("PATCH", "/api/v1/me")):
        answer = await anonymous.http.request(method, f"http://evil.example{path}", json={}, headers=headers)
        refused(answer, 401, "authentication_required")
    refused(await anonymous.post(f"{AUTH}/refresh", {}, headers=headers), 403, "csrf_refused")


async def test_with_https_the_own_host_is_not_its_http(secure: Client, user: User) -> None:
    refused(await enter(secure, user, {"Origin": "http://pastis.test"}), 403, "csrf_refused")
    ok(await enter(secure, user, {"Origin": "https://pastis.test"}))
    refused(await secure.post(f"{AUTH}/refresh", {}, headers=OURS), 403, "csrf_refused")


async def test_several_credentials_are_refused(anonymous: Client, user: User) -> None:
    one, two = [(await log_in(anonymous, user))["access_token"] for _ in range(2)]
    bearer = ("Authorization", f"Bearer {one}")
    both: list[list[tuple[str, str]]] = [
        [bearer, ("Cookie", f"pastis_access={one}")],
        [("Cookie", f"pastis_access={one}; pastis_access={two}")],
        [("Cookie", f"pastis_access={one}"), ("Cookie", f"pastis_access={two}")],
        [("Cookie", f"a=b; pastis_access={one}"), bearer],
        [("Cookie", "pastis_access="), bearer],
    ]
    for headers in both:
        refused(await anonymous.http.get("/api/v1/me", headers=headers), 400, "both_credentials")
    twice = {"Cookie": "pastis_refresh=a; pastis_refresh=b"}
    refused(await anonymous.post(f"{AUTH}/refresh", {}, headers=OURS | twice), 400, "both_credentials")


@pytest.mark.parametrize("cookie", ["", "x", "{}", "\xff", "a" * 4000, '"quoted"', "=", "a b"])
async def test_forged_cookies_are_dead_tokens(anonymous: Client, cookie: str) -> None:
    headers = {"Cookie": f"other=1; pastis_access={cookie}; pastis_refresh={cookie};;=;x".encode("latin-1")}
    refused(await anonymous.get("/api/v1/me", headers=headers), 401, "invalid_token")
    ours = {name.encode(): value.encode() for name, value in OURS.items()}
    answer = await anonymous.post(f"{AUTH}/refresh", {}, headers={b"Cookie": headers["Cookie"], **ours})
    refused(answer, 401, "invalid_token")


async def test_a_refresh_by_cookie_sets_them_anew(anonymous: Client, services: Services, user: User) -> None:
    first = set_by(await enter(anonymous, user))
    answer = await anonymous.post(f"{AUTH}/refresh", {}, headers=OURS)
    assert ok(answer, 200)["access_token"] is None
    second = set_by(answer)
    assert first["pastis_access"]["value"] != second["pastis_access"]["value"]
    # The answer was lost, so the browser has the former ones still: the same again.
    lost = {"Cookie": "; ".join(f"{name}={cookie['value']}" for name, cookie in first.items())}
    anonymous.http.cookies.clear()
    again = set_by(await anonymous.post(f"{AUTH}/refresh", {}, headers=OURS | lost))
    assert {name: one["value"] for name, one in again.items()} == {
        name: one["value"] for name, one in second.items()
    }
    assert len(await sessions_of(services, user)) == 1
    ok(await anonymous.get("/api/v1/me"))


async def test_without_any_refresh_token(anonymous: Client) -> None:
    for headers in ({}, OURS):
        answer = await anonymous.post(f"{AUTH}/refresh", {}, headers=headers)
        refused(answer, 401, "authentication_required")


async def test_a_token_in_the_body_is_answered_in_the_body(anonymous: Client, user: User) -> None:
    tokens = await log_in(anonymous, user)
    answer = await anonymous.post(f"{AUTH}/refresh", {"refresh_token": tokens["refresh_token"]})
    assert ok(answer)["token_type"] == "bearer"
    assert set_by(answer) == {}


@pytest.mark.parametrize("headers", [{}, OURS], ids=["anywhere", "ours"])
async def test_a_token_in_the_body_beside_a_cookie(
    anonymous: Client, user: User, clock: TestClock, headers: dict[str, str]
) -> None:
    """Neither is replaced: both logins go on, also when the other token comes after the grace."""
    cookies = set_by(await enter(anonymous, user))
    other = (await log_in(anonymous, user))["refresh_token"]
    for token in (other, cookies["pastis_refresh"]["value"]):
        answer = await anonymous.post(f"{AUTH}/refresh", {"refresh_token": token}, headers=headers)
        refused(answer, 400, "both_credentials")
        assert set_by(answer) == {}
    clock.forward(minutes=2)
    ok(await anonymous.post(f"{AUTH}/refresh", {}, headers=OURS))
    anonymous.http.cookies.clear()
    ok(await anonymous.post(f"{AUTH}/refresh", {"refresh_token": other}))


async def test_log_out_clears_them(anonymous: Client, services: Services, user: User) -> None:
    ok(await enter(anonymous, user, remember_me=True))
    answer = await anonymous.post(f"{AUTH}/logout", headers=OURS)
    ok(answer, 204)
    assert {name: (one["value"], one["max-age"]) for name, one in set_by(answer).items()} == {
        "pastis_access": ('""', "0"),
        "pastis_refresh": ('""', "0"),
    }
    # The device is known beyond the login.
    assert [one.name for one in anonymous.http.cookies.jar] == ["pastis_device"]
    assert await sessions_of(services, user) == []


@pytest.mark.parametrize("pause", [timedelta(minutes=16), timedelta(days=31)], ids=str)
async def test_log_out_when_the_access_token_has_expired(
    anonymous: Client, services: Services, user: User, clock: TestClock, pause: timedelta
) -> None:
    """And when the login has: the browser keeps nothing that does nothing."""
    ok(await enter(anonymous, user, remember_me=True))
    clock.forward(seconds=pause.total_seconds())
    answer = await anonymous.post(f"{AUTH}/logout", headers=OURS)
    ok(answer, 204)
    assert set(set_by(answer)) == {"pastis_access", "pastis_refresh"}
    assert await sessions_of(services, user) == []


async def test_log_out_with_both_is_refused(anonymous: Client, services: Services, user: User) -> None:
    ok(await enter(anonymous, user))
    other = await log_in(anonymous, user)
    both = OURS | {"Authorization": f"Bearer {other['access_token']}"}
    refused(await anonymous.post(f"{AUTH}/logout", headers=both), 400, "both_credentials")
    assert len(await sessions_of(services, user)) == 2


async def test_nothing_else_clears_them(
    anonymous: Client, services: Services, user: User, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(await enter(anonymous, user))
    answers = [await anonymous.get("/api/v1/me", headers={"Authorization": "Bearer x"})]
    with monkeypatch.context() as patch:

        async def away(*_: Any) -> None:
            raise PastisError(ErrorCode.DATABASE_UNAVAILABLE)

        patch.setattr(queries, "logins", away)
        patch.setattr("app.services.sessions.queries.find_by_refresh", away)
        patch.setattr("app.services.sessions.queries.find_by_tokens", away)
        answers += [
            await anonymous.get("/api/v1/me"),
            await anonymous.post(f"{AUTH}/logout", headers=OURS),
            await anonymous.post(f"{AUTH}/refresh", {}, headers=OURS),
        ]
    clock.forward(minutes=16)
    answers += [await anonymous.get("/api/v1/me"), await anonymous.post(f"{AUTH}/logout")]
    clock.forward(days=2)
    answers += [
        await anonymous.post(f"{AUTH}/refresh", {}, headers=OURS),
        await enter(anonymous, user, {"Origin": ""}),
    ]
    assert [answer.status_code for answer in answers] == [400, 503, 503, 503, 401, 403, 401, 403]
    assert [set_by(answer) for answer in answers] == [{}] * len(answers)
    assert len(anonymous.http.cookies) == 3


async def test_public_routes_look_nobody_up(
    anonymous: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise AssertionError("a public route has nobody looked up")

    tokens = await log_in(anonymous, user)
    monkeypatch.setattr(queries, "login", fail)
    monkeypatch.setattr(queries, "logins", fail)
    body = {"email": user.email, "password": PASSWORD}
    dead = {"Authorization": "Bearer dead", "Cookie": "pastis_access=dead; pastis_access=dead"}
    for headers in (dead, dead | {"Authorization": "Basic x"}):
        ok(await anonymous.post(f"{AUTH}/login", body, headers=headers))
        refresh_token = tokens["refresh_token"]
        tokens = ok(
            await anonymous.post(f"{AUTH}/refresh", {"refresh_token": refresh_token}, headers=headers)
        )


@pytest.mark.parametrize(("origin", "allowed"), [(FRONT, True), ("https://evil.example", False)])
async def test_named_origins_may_send_them(secure: Client, user: User, origin: str, allowed: bool) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "pastis-client, content-type",
    }
    ahead = await secure.request("OPTIONS", "/api/v1/me", headers=asked)
    answer = await secure.get("/api/v1/me", headers={"Origin": origin})
    assert (ahead.status_code == 200) is allowed
    for one in (ahead, answer):
        granted = one.headers.get("access-control-allow-origin") == origin
        assert granted is allowed
    assert ahead.headers["access-control-allow-credentials"] == "true"
