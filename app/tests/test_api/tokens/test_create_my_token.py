from datetime import timedelta

import pytest

from app.core.security import token_hash
from app.models.tokens import ApiToken
from app.models.users import User
from app.services.bootstrap import Services
from app.services.tokens import rules
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD, Workspace
from app.tests.test_api.tokens.secrets_of import MINE, made
from app.utils.times import rfc3339

pytestmark = pytest.mark.anyio

ME = "/api/v1/me"


async def test_its_secret_is_shown_once_and_kept_as_a_hash(
    own: Client, services: Services, user: User
) -> None:
    answer = await own.post(MINE, {"name": "Nightly report", "scopes": ["task:read", "comment:*"]})
    token = ok(answer, 201)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"{MINE}/{token['id']}"
    secret = token.pop("token")
    assert secret.startswith("pastis_pat_")
    assert len(secret) == len("pastis_pat_") + 43
    assert secret.endswith(token["hint"])
    assert ok(await own.get(f"{MINE}/{token['id']}")) == token
    kept = await services.database.collection(ApiToken).find_one({"_id": token["id"]})
    assert kept is not None
    assert (kept["user_id"], kept["kind"], kept["token_hash"]) == (user.id, "personal", token_hash(secret))
    assert secret not in str(kept)


async def test_it_tells_who_has_it_and_where_that_one_may_go(workspace: Workspace) -> None:
    member = workspace.member.at("")
    script = member.as_((await made(member))["token"])
    assert ok(await script.get(ME))["id"] == workspace.users["member"].id
    assert [one["id"] for one in ok(await script.get("/api/v1/workspaces"))["items"]] == [workspace.id]


async def test_it_does_what_both_its_scopes_and_its_holder_may(workspace: Workspace) -> None:
    member = workspace.member.at("")
    script = workspace.member.as_(
        (await made(member, scopes=["task:update", "label:*", "role:*", "team:create"]))["token"]
    )
    task = await workspace.task()
    event = ok(await script.patch(f"/tasks/{task['id']}", {"priority": "high"}))
    assert event["priority"] == "high"
    ok(await script.post("/labels", {"name": "Nightly"}), 201)
    refused(await script.delete(f"/tasks/{task['id']}"), 403, "permission_denied")
    refused(await script.get("/imports"), 403, "permission_denied")
    refused(await script.post("/teams", {"name": "Scripts"}), 403, "permission_denied")  # no admin's
    await workspace.comment(task)
    assert ok(await script.get(f"/tasks/{task['id']}/comments"))["items"] == []


async def test_what_it_did_names_account_and_token(workspace: Workspace) -> None:
    token = await made(workspace.member.at(""), scopes=["task:update"])
    task = await workspace.task()
    changed = await workspace.member.as_(token["token"]).patch(f"/tasks/{task['id']}", {"priority": "low"})
    event = ok(await workspace.api.get(f"/events/{changed.headers['pastis-event']}"))
    assert event["actor"] == {
        "kind": "user",
        "user_id": workspace.users["member"].id,
        "membership_id": workspace.membership_ids["member"],
    }
    assert event["source"]["token_id"] == token["id"]


async def test_it_changes_with_its_holder(workspace: Workspace) -> None:
    admin = workspace.admin.at("")
    script = workspace.admin.as_((await made(admin, scopes=["*:*"]))["token"])
    ok(await script.post("/teams", {"name": "Design"}), 201)
    path = f"/memberships/{workspace.membership_ids['admin']}"
    ok(await workspace.api.patch(path, {"role": "member"}))
    refused(await script.post("/teams", {"name": "Docs"}), 403, "permission_denied")
    ok(await workspace.api.delete(path))
    refused(await script.get("/tasks"), 404, "not_found")


async def test_it_makes_nobody_an_admin_unless_it_may_do_all(workspace: Workspace) -> None:
    owner = workspace.api.at("")
    some = workspace.api.as_((await made(owner, scopes=["membership:*"]))["token"])
    every = workspace.api.as_((await made(owner, scopes=["*:*"]))["token"])
    path = f"/memberships/{workspace.membership_ids['member']}"
    problem = refused(await some.patch(path, {"role": "admin"}), 403, "permission_denied")
    assert problem["detail"] == "This needs the role admin, and of an API token the scope *:*."
    admin = f"/memberships/{workspace.membership_ids['admin']}"
    refused(await some.patch(admin, {"role": "guest"}), 403, "permission_denied")
    refused(await some.delete(admin), 403, "permission_denied")
    ok(await some.patch(path, {"role": "guest"}))
    ok(await every.patch(path, {"role": "admin"}))


async def test_accounts_are_no_business_of_tokens(workspace: Workspace) -> None:
    script = workspace.api.as_((await made(workspace.api.at(""), scopes=["*:*"]))["token"]).at("")
    refused(await script.get(MINE), 403, "login_required")
    refused(await script.post(MINE, {"name": "Another", "scopes": ["*:*"]}), 403, "login_required")
    refused(await script.patch(ME, {"display_name": "Script"}), 403, "login_required")
    refused(await script.get("/api/v1/me/sessions"), 403, "login_required")
    refused(await script.post("/api/v1/workspaces", {"slug": "new", "name": "New"}), 403, "login_required")


async def test_it_ends_in_ninety_days_by_itself(own: Client, clock: TestClock) -> None:
    used, unused = [own.as_((await made(own))["token"]) for _ in range(2)]
    clock.forward(days=89)
    ok(await used.get(ME))
    clock.forward(days=1, seconds=2)
    refused(await unused.get(ME), 401, "invalid_token")


async def test_it_ends_when_it_shall_or_never(own: Client, clock: TestClock) -> None:
    until = rfc3339(clock.now() + timedelta(hours=1))
    short = own.as_((await made(own, expires_at=until))["token"])
    ever = await made(own, expires_at=None)
    assert ever["expires_at"] is None
    clock.forward(days=4000)
    refused(await short.get(ME), 401, "invalid_token")
    ok(await own.as_(ever["token"]).get(ME))


async def test_its_end_may_be_named_in_any_time_zone(own: Client) -> None:
    token = await made(own, expires_at="2765-01-18T05:18:58.5-14:30")
    assert token["expires_at"] == "2765-01-18T19:48:58.500Z"


async def test_an_end_that_is_no_time_in_utc_is_refused(own: Client) -> None:
    body = {"name": "Late", "scopes": ["task:read"], "expires_at": "9999-12-31T23:00:00-02:00"}
    problem = refused(await own.post(MINE, body), 422, "validation_failed")
    assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == ("/expires_at", "invalid_date")


async def test_an_end_that_is_past(own: Client, clock: TestClock) -> None:
    body = {"name": "Late", "scopes": ["task:read"], "expires_at": rfc3339(clock.now())}
    problem = refused(await own.post(MINE, body), 422, "validation_failed")
    (error,) = problem["errors"]
    assert (error["pointer"], error["detail"]) == ("/expires_at", "It is refused: the time is past.")


async def test_a_key_makes_nothing_safe_to_send_again(own: Client) -> None:
    """The answer has the secret, so it is not kept: whoever lost it ends that token and makes another."""
    headers = {"Idempotency-Key": "7f3c"}
    body = {"name": "CI", "scopes": ["task:read"]}
    lost, again = [ok(await own.post(MINE, body, headers=headers), 201) for _ in range(2)]
    assert lost["token"] != again["token"]
    listed = ok(await own.get(MINE))["items"]
    assert [one["id"] for one in listed] == [again["id"], lost["id"]]
    ok(await own.delete(f"{MINE}/{lost['id']}"), 204)
    refused(await own.post(MINE, body, headers={"Idempotency-Key": "a b"}), 422, "invalid_idempotency_key")


async def test_a_scope_that_names_nothing_is_told_what_scopes_are(own: Client) -> None:
    body = {"name": "CI", "scopes": ["task:read", "task:fly"]}
    (error,) = refused(await own.post(MINE, body), 422, "validation_failed")["errors"]
    assert (error["pointer"], error["code"]) == ("/scopes/1", "refused")
    assert "scopes are for example: task:update, comment:*" in error["detail"]


@pytest.mark.parametrize(
    "scope", ["task:fly", "tasks:read", "task", "*", ":", "task:read:all", "TASK:READ", ""]
)
async def test_scopes_that_name_nothing(own: Client, scope: str) -> None:
    problem = refused(
        await own.post(MINE, {"name": "CI", "scopes": ["task:read", scope]}), 422, "validation_failed"
    )
    assert problem["errors"][0]["pointer"] == "/scopes/1"
    assert ok(await own.get(MINE)) == {"items": []}


async def test_there_are_only_so_many(own: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_TOKENS", 1)
    await made(own)
    refused(await own.post(MINE, {"name": "CI", "scopes": ["task:read"]}), 409, "limit_reached")


async def test_asks_for_a_fresh_login(own: Client, clock: TestClock) -> None:
    clock.forward(minutes=11)
    refused(await own.post(MINE, {"name": "CI", "scopes": ["task:read"]}), 403, "reauthentication_required")


@pytest.mark.usefixtures("long_memory")
async def test_an_account_at_rest_or_deleted(services: Services, own: Client, user: User) -> None:
    script = own.as_((await made(own))["token"])
    ok(await script.get(ME))
    await services.accounts.deactivate(user.id)
    refused(await script.get(ME), 401, "invalid_token")
    await services.accounts.delete(user.id, {"channel": "cli"})
    assert await services.database.collection(ApiToken).count_documents({"user_id": user.id}) == 0


@pytest.mark.usefixtures("long_memory")
async def test_a_password_that_is_set_anew(services: Services, own: Client, user: User) -> None:
    """What a thief has made must not go on; a password that one changes oneself ends no program."""
    script = own.as_((await made(own))["token"])
    body = {"current_password": PASSWORD, "password": "another horse battery staple"}
    ok(await own.request("PUT", "/api/v1/me/password", json=body), 204)
    ok(await script.get(ME))
    await services.auth.reset_password(user.email, PASSWORD)
    refused(await script.get(ME), 401, "invalid_token")


async def test_a_workspace_that_asks_for_a_second_factor(services: Services, workspace: Workspace) -> None:
    """A token counts as the login that made it."""
    owner = workspace.users["owner"]
    plain = workspace.api.as_((await made(workspace.api.at("")))["token"])
    login = await services.sessions.open(
        owner.id, remember_me=False, client="tests", methods=("pwd", "otp", "mfa")
    )
    strong = workspace.api.as_(login.access_token)
    proven = workspace.api.as_((await made(strong.at("")))["token"])
    ok(await strong.patch("", {"requires_second_factor": True}))
    ok(await proven.get("/tasks"))
    refused(await plain.get("/tasks"), 403, "second_factor_required")


async def test_it_is_audited(own: Client) -> None:
    token = await made(own)
    entry = ok(await own.get("/api/v1/me/audit"))["items"][0]
    assert (entry["kind"], entry["detail"]) == (
        "token.create",
        {"token": token["id"], "scopes": ["task:read"]},
    )


async def test_without_a_login(anonymous: Client) -> None:
    refused(
        await anonymous.post(MINE, {"name": "CI", "scopes": ["task:read"]}), 401, "authentication_required"
    )
