import pytest

from app.models.tokens import ApiToken
from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import unchanged
from app.tests.support.factories import Workspace
from app.tests.test_api.tokens.secrets_of import made, service_account
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_a_service_account_works_through_it(workspace: Workspace, services: Services) -> None:
    path = await service_account(workspace)
    token = await made(workspace.api, path, scopes=["task:*"])
    assert token["token"].startswith("pastis_svc_")
    build = workspace.api.as_(token["token"])
    task = await build.post("/tasks", {"project_id": "FLUID", "title": "The build is red"})
    membership = path.split("/")[2]
    assert ok(task, 201)["reporter_id"] == membership
    event = ok(await workspace.api.get(f"/events/{task.headers['pastis-event']}"))
    assert event["actor"] == {"kind": "service", "user_id": None, "membership_id": membership}
    assert event["source"]["token_id"] == token["id"]
    kept = await services.database.collection(ApiToken).find_one({"_id": token["id"]})
    assert kept is not None
    assert (kept["user_id"], kept["membership_id"], kept["workspace_id"]) == (None, membership, workspace.id)


async def test_its_idempotency_keys_are_its_own(workspace: Workspace) -> None:
    builds = [
        workspace.api.as_(
            (await made(workspace.api, await service_account(workspace), scopes=["task:*"]))["token"]
        )
        for _ in range(2)
    ]
    body = {"project_id": "FLUID", "title": "The build is red"}
    key = {"Idempotency-Key": new_id()}
    ids = {ok(await build.post("/tasks", body, headers=key), 201)["id"] for build in [*builds, *builds]}
    assert len(ids) == 2


async def test_it_is_in_its_workspace_only(workspace: Workspace, other_workspace: Workspace) -> None:
    token = (await made(workspace.api, await service_account(workspace), scopes=["*:*"]))["token"]
    build = workspace.api.as_(token)
    ok(await build.get("/tasks"))
    ok(await build.at(f"/api/v1/workspaces/{workspace.id}").get("/tasks"))
    refused(await build.at(other_workspace.api.base).get("/tasks"), 404, "not_found")
    refused(await build.at(f"/api/v1/workspaces/{new_id()}").get("/tasks"), 404, "not_found")
    for path in ("/api/v1/me", "/api/v1/workspaces"):
        problem = refused(await build.at("").get(path), 403, "login_required")
        assert "people with an account of their own; a service account has none" in problem["detail"]


async def test_it_has_what_its_role_and_its_scopes_give(workspace: Workspace) -> None:
    path = await service_account(workspace, "guest")
    build = workspace.api.as_((await made(workspace.api, path, scopes=["task:*"]))["token"])
    assert ok(await build.get("/tasks"))["items"] == []
    ok(await workspace.grant("viewer", membership_id=path.split("/")[2]), 201)
    await workspace.task()
    assert len(ok(await build.get("/tasks"))["items"]) == 1
    body = {"project_id": "FLUID", "title": "The build is red"}
    refused(await build.post("/tasks", body), 403, "permission_denied")


async def test_it_ends_with_its_account(workspace: Workspace) -> None:
    path = await service_account(workspace)
    build = workspace.api.as_((await made(workspace.api, path))["token"])
    ok(await build.get("/tasks"))
    ok(await workspace.api.delete(path.removesuffix("/tokens")))
    refused(await build.get("/tasks"), 404, "not_found")
    refused(await workspace.api.post(path, {"name": "CI", "scopes": ["task:read"]}), 404, "not_found")


async def test_only_service_accounts_have_them(workspace: Workspace, services: Services) -> None:
    for membership in (workspace.membership_ids["member"], new_id()):
        async with unchanged(services, workspace):
            path = f"/memberships/{membership}/tokens"
            refused(await workspace.api.post(path, {"name": "CI", "scopes": ["task:read"]}), 404, "not_found")


async def test_nobody_reaches_above_their_own_role(workspace: Workspace) -> None:
    path = await service_account(workspace, "owner")
    body = {"name": "CI", "scopes": ["*:*"]}
    refused(await workspace.admin.post(path, body), 403, "permission_denied")
    ok(await workspace.admin.post(await service_account(workspace, "admin"), body), 201)


async def test_a_service_account_is_no_owner_that_counts(workspace: Workspace) -> None:
    await service_account(workspace, "owner")
    path = f"/memberships/{workspace.membership_ids['owner']}"
    refused(await workspace.api.delete(path), 409, "last_owner")


async def test_a_service_account_has_no_address(workspace: Workspace) -> None:
    body = {"type": "service", "display_name": "CI", "email": workspace.users["stranger"].email}
    problem = refused(await workspace.api.post("/memberships", body), 422, "validation_failed")
    assert problem["errors"][0]["pointer"] == "/email"


async def test_no_token_makes_a_token(workspace: Workspace, services: Services) -> None:
    path = await service_account(workspace)
    body = {"name": "Another", "scopes": ["*:*"]}
    for script in (
        await workspace.service(services, "owner"),
        await workspace.token(services, "owner"),
    ):
        refused(await script.at(workspace.api.base).post(path, body), 403, "login_required")


async def test_no_custom_role_may_make_one(workspace: Workspace) -> None:
    for permission in ("token:create", "token:delete", "token:read"):
        body = {"name": "Machinist", "permissions": [permission]}
        refused(await workspace.api.post("/roles", body), 422, "validation_failed")


async def test_asks_for_a_fresh_login(workspace: Workspace, clock: TestClock) -> None:
    path = await service_account(workspace)
    clock.forward(minutes=11)
    body = {"name": "CI", "scopes": ["task:read"]}
    refused(await workspace.api.post(path, body), 403, "reauthentication_required")


async def test_a_workspace_that_asks_for_a_second_factor(services: Services, workspace: Workspace) -> None:
    """A service account has none to show: who made its token had."""
    build = (await workspace.service(services)).at(workspace.api.base)
    owner = workspace.users["owner"]
    login = await services.sessions.open(owner.id, remember_me=False, client="tests", methods=("pwd", "mfa"))
    ok(await workspace.api.as_(login.access_token).patch("", {"requires_second_factor": True}))
    ok(await build.get("/tasks"))


async def test_it_is_audited(workspace: Workspace) -> None:
    path = await service_account(workspace)
    token = await made(workspace.api, path)
    entry = ok(await workspace.api.get("/audit?kind=token.create"))["items"][0]
    assert entry["actor"]["membership_id"] == workspace.membership_ids["owner"]
    assert entry["detail"] == {
        "token": token["id"],
        "membership": path.split("/")[2],
        "scopes": ["task:read"],
    }
