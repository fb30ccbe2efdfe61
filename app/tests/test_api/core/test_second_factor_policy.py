"""A workspace that keeps out logins that were made without a second factor."""

import asyncio

import pytest

from app.core.errors import ErrorCode, PastisError
from app.models.users import User
from app.models.workspaces import Workspace as WorkspaceModel
from app.services.access import Access
from app.services.access.engine import CACHE_SECONDS
from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import stored, unchanged
from app.tests.support.factories import log_in
from app.tests.support.factors import FACTORS, PASSKEYS, add_passkey, enable_totp
from app.tests.test_api.core.routes import OPERATIONS, Operation
from app.tests.test_api.core.world import World, sent_as

pytestmark = pytest.mark.anyio

INSIDE = [one for one in OPERATIONS if "workspace" in one.segments]
ON = {"requires_second_factor": True}


async def with_factor(world: World, user: User) -> Client:
    """A login with a second factor."""
    tokens = await world.services.sessions.open(
        user.id, remember_me=False, client="tests", methods=("pwd", "otp", "mfa")
    )
    return world.owner.as_(tokens.access_token)


async def turn_on(world: World) -> Client:
    """Gives the owner's login with a second factor, which makes further things."""
    owner = await with_factor(world, world.workspace.users["owner"])
    changed = ok(await owner.patch(world.base, ON), 200)
    assert changed["requires_second_factor"] is True
    return owner


async def test_nobody_turns_it_on_who_would_be_kept_out(world: World) -> None:
    async with unchanged(world.services, world.workspace):
        for client in (world.workspace.api, world.workspace.admin):
            refused(await client.patch("", ON), 403, "second_factor_required")
    member = await with_factor(world, world.workspace.users["member"])
    refused(await member.patch(world.base, ON), 403, "permission_denied")
    admin = await with_factor(world, world.workspace.users["admin"])
    ok(await admin.patch(world.base, ON), 200)
    kept = await stored(world.services, WorkspaceModel, world.workspace.id)
    assert kept is not None
    assert kept["requires_second_factor"] is True


@pytest.mark.parametrize("operation", INSIDE, ids=str)
async def test_a_login_without_one_gets_nowhere(operation: Operation, world: World) -> None:
    values = await world.values(operation)
    body = await world.body(operation, values)
    await turn_on(world)
    async with unchanged(world.services, world.workspace):
        path, options = operation.path.format(**values), sent_as(operation, body)
        answer = await world.owner.request(operation.method, path, **options)
        refused(answer, 403, "second_factor_required")
    assert "second_factor_required" in operation.problems[403]


@pytest.mark.usefixtures("long_memory")
async def test_who_gives_the_last_factor_up_is_out(world: World) -> None:
    """Also with the login that has just used it, and with a token that it made."""
    user = world.workspace.users["admin"]
    client = world.owner.as_(await log_in(world.services, user))
    await enable_totp(client, world.services)
    body = {"name": "CI", "scopes": ["*:*"]}
    token = world.owner.as_(ok(await client.post("/api/v1/me/tokens", body), 201)["token"])
    await add_passkey(client, Authenticator())
    others = world.owner.as_(ok(await (await turn_on(world)).post("/api/v1/me/tokens", body), 201)["token"])
    for one in (client, token, others):
        ok(await one.get(f"{world.base}/labels"))
    ok(await client.delete(f"{FACTORS}/totp"), 204)
    for one in (client, token):
        ok(await one.get(f"{world.base}/labels"))
    (passkey,) = ok(await client.get(FACTORS))["passkeys"]
    ok(await client.delete(f"{PASSKEYS}/{passkey['id']}"), 204)
    for one in (client, token):
        refused(await one.get(f"{world.base}/labels"), 403, "second_factor_required")
        ok(await one.get("/api/v1/me"))
    world.services.access.forget_user(world.workspace.users["owner"].id)
    ok(await others.get(f"{world.base}/labels"))


@pytest.mark.usefixtures("long_memory")
async def test_counts_at_once_and_only_here(world: World, other_world: World) -> None:
    outside = ok(await world.owner.get("/api/v1/workspaces"))
    for client in (world.workspace.api, world.workspace.member):
        ok(await client.get("/labels"))
    owner = await turn_on(world)
    for client in (world.workspace.api, world.workspace.member):
        refused(await client.get("/labels"), 403, "second_factor_required")
    refused(await world.workspace.stranger.get("/labels"), 404, "not_found")
    ok(await world.owner.get("/api/v1/me"))
    names = [one["id"] for one in ok(await world.owner.get("/api/v1/workspaces"))["items"]]
    assert names == [one["id"] for one in outside["items"]]
    ok(await other_world.workspace.api.get("/labels"))
    ok(await owner.patch(world.base, {"requires_second_factor": False}), 200)
    ok(await world.workspace.member.get("/labels"))


async def test_counts_within_a_second_in_another_process(world: World, services: Services) -> None:
    listeners = services.writers.listeners
    elsewhere = Access(services.database, services.writers, services.clock, b"secret")
    listeners.pop()  # of another process's commits it hears nothing
    token = await log_in(services, world.workspace.users["member"])
    await elsewhere.enter(token, world.workspace.id, {})
    await turn_on(world)
    await asyncio.sleep(CACHE_SECONDS)
    with pytest.raises(PastisError) as refusal:
        await elsewhere.enter(token, world.workspace.id, {})
    assert refusal.value.code is ErrorCode.SECOND_FACTOR_REQUIRED


async def test_workspaces_of_earlier_versions_have_none(world: World) -> None:
    collection = world.services.database.collection(WorkspaceModel)
    await collection.update_one({"_id": world.workspace.id}, {"$unset": {"requires_second_factor": ""}})
    assert ok(await world.owner.get(world.base))["requires_second_factor"] is False
    page = ok(await world.owner.get("/api/v1/workspaces"))
    assert [one["requires_second_factor"] for one in page["items"]] == [False]
    await turn_on(world)
