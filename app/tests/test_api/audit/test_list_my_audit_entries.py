import pytest

from app.models.audit import AuditKind
from app.models.users import User
from app.schemas.audit import AuditQuery
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import check_not_modified
from app.tests.support.factories import PASSWORD, Workspace, log_in, make_user
from app.tests.support.factors import enable_totp
from app.tests.support.origins import coming_from

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me/audit"


@pytest.fixture
async def user(services: Services) -> User:
    return await make_user(services)


@pytest.fixture
async def me(anonymous: Client, services: Services, user: User) -> Client:
    return anonymous.as_(await log_in(services, user))


async def test_ones_own_logins_with_where_they_came_from(me: Client, user: User) -> None:
    body = {"email": user.email, "password": PASSWORD}
    anyone = me.as_(None)
    headers = {"User-Agent": "pastis-web/1"}
    refused(
        await anyone.post("/api/v1/auth/login", {**body, "password": "wrong"}, headers=headers),
        401,
        "invalid_credentials",
    )
    ok(await anyone.post("/api/v1/auth/login", body, headers=headers))
    newest, older, _ = ok(await me.get(PATH))["items"]
    assert (newest["kind"], older["kind"]) == ("login.create", "login.fail")
    assert newest["detail"]["methods"] == ["pwd"]
    for entry in (newest, older):
        assert entry["user_id"] == user.id
        assert entry["client"] == "pastis-web/1"
        assert entry["address"].startswith("2001:db8:")


async def test_a_password_that_was_tried_is_nowhere(me: Client, services: Services, user: User) -> None:
    body = {"email": user.email, "password": "a wrong password that is long"}
    await me.as_(None).post("/api/v1/auth/login", body)
    await me.as_(None).post("/api/v1/auth/login", {**body, "email": "a password in the wrong place"})
    async for entry in services.audit.every(AuditQuery(), None):
        assert "a wrong password" not in str(entry)
        assert "in the wrong place" not in str(entry)


async def test_nobody_elses(me: Client, services: Services) -> None:
    other = await make_user(services)
    await services.audit.record(AuditKind.LOGIN_CREATE, other.id)
    assert [entry["kind"] for entry in ok(await me.get(PATH))["items"]] == ["login.create"]  # mine


async def test_what_others_did_to_one_in_a_workspace(workspace: Workspace, services: Services) -> None:
    await services.audit_follower.follow(workspace.id)
    entry = ok(await workspace.member.at("").get(PATH))["items"][0]
    assert entry["kind"] == "membership.create"
    assert entry["actor"]["user_id"] == workspace.users["owner"].id
    assert (entry["address"], entry["client"]) == (None, None)


async def test_changing_the_password(me: Client, user: User) -> None:
    body = {"current_password": "wrong", "password": "staple correct horse"}
    refused(await me.request("PUT", "/api/v1/me/password", json=body), 401, "invalid_credentials")
    ok(await me.request("PUT", "/api/v1/me/password", json={**body, "current_password": PASSWORD}))
    kinds = [entry["kind"] for entry in ok(await me.get(PATH))["items"]]
    assert kinds == ["password.change", "password.fail", "login.create"]


async def test_filters_and_pages(me: Client, services: Services, user: User) -> None:
    with coming_from("192.0.2.1"):
        for kind in (AuditKind.LOGIN_FAIL, AuditKind.LOGIN_CREATE):
            await services.audit.record(kind, user.id)
    found = ok(await me.get(PATH, params={"kind": "login.create", "count": "true"}))
    assert (len(found["items"]), found["total"]) == (2, 2)
    first = ok(await me.get(PATH, params={"limit": "2"}))
    second = ok(await me.get(PATH, params={"limit": "2", "cursor": first["next_cursor"]}))
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (2, 1, None)
    await check_not_modified(me, PATH)


@pytest.mark.parametrize("params", [{"kind": "x"}, {"membership": "x"}, {"limit": "-1"}], ids=str)
async def test_bad_parameters(me: Client, params: dict[str, str]) -> None:
    assert (await me.get(PATH, params=params)).status_code == 422


async def test_it_needs_a_login(anonymous: Client) -> None:
    refused(await anonymous.get(PATH), 401, "authentication_required")


async def test_factors_mails_and_the_end_of_the_account(me: Client, services: Services, user: User) -> None:
    await enable_totp(me, services)
    ok(await me.post("/api/v1/me/factors/recovery-codes"))
    ok(await me.delete("/api/v1/me/factors/totp"))
    ok(await me.as_(None).post("/api/v1/password-resets", {"email": user.email}))
    kinds = [entry["kind"] for entry in ok(await me.get(PATH))["items"]]
    assert kinds == [
        *("password.request", "factor.remove", "recovery_codes.create", "factor.add", "login.create")
    ]
    await services.accounts.deactivate(user.id)
    found = [entry["kind"] async for entry in services.audit.every(AuditQuery(), user.id)]
    assert found[-1] == "account.deactivate"


async def test_what_nobody_has_asked_for_is_the_servers(me: Client, services: Services) -> None:
    """A reset for an address without an account leaves no address."""
    ok(await me.as_(None).post("/api/v1/password-resets", {"email": "nobody-known@fluid.example"}))
    found = [entry async for entry in services.audit.every(AuditQuery(kind=AuditKind.PASSWORD_REQUEST), None)]
    assert found[-1]["user_id"] is None
    assert "nobody-known" not in str(found[-1])
