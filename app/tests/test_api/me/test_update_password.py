from typing import Any

import pytest

from app.models.sessions import Session
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import stored, unchanged
from app.tests.support.factories import PASSWORD, Workspace, log_in
from app.tests.support.mails import mails_to

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me/password"
NEW = "another horse battery staple"


async def put(client: Client, current: Any, password: Any, **options: Any) -> Answer:
    body = {"current_password": current, "password": password}
    return await client.at("").request("PUT", PATH, json=body, **options)


async def can_log_in(client: Client, user: User, password: str) -> bool:
    body = {"email": user.email, "password": password}
    answer = await client.at("").as_(None).post("/api/v1/auth/login", body)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def test_the_new_one_works_and_the_old_one_does_not(workspace: Workspace, services: Services) -> None:
    user = workspace.users["member"]
    answer = await put(workspace.member, PASSWORD, NEW)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await can_log_in(workspace.api, user, NEW)
    assert not await can_log_in(workspace.api, user, PASSWORD)
    kept = await stored(services, User, user.id)
    assert kept is not None
    assert kept["password_hash"].startswith("$argon2id$")
    assert NEW not in str(kept)


async def test_preconditions_are_about_the_account(workspace: Workspace, services: Services) -> None:
    client = workspace.member
    shown = await client.at("").get("/api/v1/me")
    async with unchanged(services, workspace):
        for stale in ('"1"', f"W/{shown.headers['etag']}"):
            answer = await put(client, PASSWORD, NEW, headers={"If-Match": stale})
            assert refused(answer, 412, "precondition_failed")["current"] == shown.json()
        refused(await put(client, PASSWORD, NEW, headers={"If-Match": "1"}), 422, "invalid_precondition")
    ok(await put(client, PASSWORD, NEW, headers={"If-Match": shown.headers["etag"]}), 204)
    ok(await put(client, NEW, PASSWORD, headers={"If-Match": "*"}), 204)


@pytest.mark.usefixtures("long_memory")
async def test_all_other_logins_end_at_once_and_this_one_stays(
    workspace: Workspace, services: Services
) -> None:
    user = workspace.users["member"]
    tokens = await services.sessions.open(user.id, remember_me=True, client="another device")
    elsewhere = workspace.member.as_(tokens.access_token)
    for client in (elsewhere, workspace.member):
        ok(await client.get("/labels"))
        ok(await client.at("").get("/api/v1/me"))
    ok(await put(workspace.member, PASSWORD, NEW), 204)
    refused(await elsewhere.get("/labels"), 401, "invalid_token")
    refused(await elsewhere.at("").get("/api/v1/me"), 401, "invalid_token")
    body = {"refresh_token": tokens.refresh_token}
    refused(await elsewhere.at("").post("/api/v1/auth/refresh", body), 401, "invalid_token")
    ok(await workspace.member.get("/labels"))
    count = await services.database.collection(Session).count_documents({"user_id": user.id})
    assert count == 1


async def test_nobody_elses_logins_end(workspace: Workspace, services: Services) -> None:
    ok(await put(workspace.member, PASSWORD, NEW), 204)
    for role, client in (("owner", workspace.api), ("admin", workspace.admin)):
        ok(await client.get("/labels"))
        assert await can_log_in(client, workspace.users[role], PASSWORD)


async def test_the_present_password_must_be_right(workspace: Workspace, services: Services) -> None:
    await log_in(services, workspace.users["member"])
    async with unchanged(services, workspace):
        for wrong in (NEW, PASSWORD.upper(), "x"):
            refused(await put(workspace.member, wrong, NEW), 401, "invalid_credentials")
    ok(await workspace.member.get("/labels"))


async def test_length_is_what_counts(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        for password, code in (("x" * 14, "too_short"), ("x" * 129, "too_long"), ("", "too_short")):
            problem = refused(await put(workspace.member, PASSWORD, password), 422, "validation_failed")
            assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/password", code)]
    long, short = "é" * 127 + "à", "xxxxxxx xxxxxxy"
    assert (len(long), len(short)) == (128, 15)
    ok(await put(workspace.member, PASSWORD, long), 204)
    ok(await put(workspace.member, long, short), 204)
    assert await can_log_in(workspace.api, workspace.users["member"], short)


async def test_one_that_is_guessed_first_is_refused(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        for password in ("passwordpassword", "PasswordPassword1"[:16], "x" * 20, "12345678901234567890"):
            problem = refused(await put(workspace.member, PASSWORD, password), 422, "validation_failed")
            assert [one["code"] for one in problem["errors"]] == ["common_password"]


async def test_neither_the_own_address_nor_a_row_of_keys(workspace: Workspace, services: Services) -> None:
    own = workspace.users["member"].email
    async with unchanged(services, workspace):
        for password, why in ((own, "little more than your address"), ("qwertyuiop12345", "guessed first.")):
            problem = refused(await put(workspace.member, PASSWORD, password), 422, "validation_failed")
            (error,) = problem["errors"]
            assert (error["pointer"], error["code"]) == ("/password", "common_password")
            assert why in error["detail"]


async def test_the_owner_is_told(workspace: Workspace, services: Services) -> None:
    ok(await put(workspace.member, PASSWORD, NEW), 204)
    (mail,) = await mails_to(services, workspace.users["member"].email)
    assert mail["Subject"] == "Your password has been changed"


async def test_white_space_belongs_to_a_password(workspace: Workspace) -> None:
    spaced = "  spaces count at both ends  "
    ok(await put(workspace.member, PASSWORD, spaced), 204)
    assert await can_log_in(workspace.api, workspace.users["member"], spaced)
    assert not await can_log_in(workspace.api, workspace.users["member"], spaced.strip())


@pytest.mark.parametrize("value", [None, 5, ["x" * 20], {"$ne": None}], ids=str)
async def test_malformed(workspace: Workspace, services: Services, value: Any) -> None:
    async with unchanged(services, workspace):
        refused(await put(workspace.member, value, NEW), 422, "validation_failed")
        refused(await put(workspace.member, PASSWORD, value), 422, "validation_failed")


async def test_no_problem_repeats_a_password(workspace: Workspace) -> None:
    for current, password in ((PASSWORD, "canary"), ("canary" * 30, NEW), ("canary", NEW)):
        answer = await put(workspace.member, current, password)
        assert answer.status_code in (401, 422)
        assert "canary" not in answer.text


async def test_without_a_login(anonymous: Client) -> None:
    refused(await put(anonymous, PASSWORD, NEW), 401, "authentication_required")
