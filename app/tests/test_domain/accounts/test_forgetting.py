"""What is kept about people goes when its time is over: docs/guides/privacy.md."""

import secrets
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from app.core.jobs import JobKind
from app.models.audit import AuditEntry, AuditKind
from app.models.tokens import ApiToken
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok
from app.tests.support.clock import TestClock
from app.tests.support.conventions import stored
from app.tests.support.factories import PASSWORD, Workspace, make_user
from app.tests.support.pictures import a_picture
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
ADDRESS = "203.0.113."


async def everything(services: Services) -> AsyncIterator[tuple[str, str]]:
    """All collections, whether the program knows them or not."""
    for name in await services.database.engine.database.list_collection_names():
        yield name, str(await services.database.raw(name).find().to_list())


async def where(services: Services, *texts: str) -> set[tuple[str, str]]:
    return {(text, name) async for name, kept in everything(services) for text in texts if text in kept}


@pytest.fixture
async def elsewhere(app: FastAPI) -> AsyncIterator[tuple[Client, str]]:
    """Somebody who comes from where nobody else does, and that address."""
    address = f"2001:db8:{secrets.randbits(16):x}:{secrets.randbits(16):x}::2"
    transport = httpx2.ASGITransport(app=app, client=(address, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
        yield Client(http), address


async def use(services: Services, workspace: Workspace, user: User, name: str, anonymous: Client) -> None:
    """An account leaves its name and addresses wherever it can."""
    login = ok(await anonymous.post("/api/v1/auth/login", {"email": user.email, "password": PASSWORD}))
    await anonymous.post("/api/v1/auth/login", {"email": user.email, "password": "not this one at all"})
    me = anonymous.as_(login["access_token"])
    ok(await me.patch("/api/v1/me", {"display_name": name}))
    ok(await me.get("/api/v1/me/sessions"))
    token = ok(await me.post("/api/v1/me/tokens", {"name": "Mine", "scopes": ["*:*"]}), 201)
    own = me.as_(token["token"]).at(workspace.api.base)
    task = ok(await own.post("/tasks", {"project_id": "FLUID", "title": "Something"}), 201)
    ok(await own.post(f"/tasks/{task['id']}/comments", {"body": "Said"}), 201)
    membership = workspace.membership_ids["member"]
    headers = {"Idempotency-Key": new_id()}
    ok(await workspace.api.patch(f"/memberships/{membership}", {"display_name": name}, headers=headers))
    ok(await anonymous.post("/api/v1/password-resets", {"email": user.email}), 202)
    ok(await me.post("/api/v1/me/email", {"email": f"new-{user.email}"}), 202)
    ok(
        await workspace.stranger.at("").post(
            "/api/v1/workspaces", {"slug": f"w-{name.lower()}", "name": "Other"}
        ),
        201,
    )
    other = workspace.stranger.at(f"/api/v1/workspaces/w-{name.lower()}")
    ok(await other.post("/invitations", {"email": user.email, "role": "member"}), 201)
    await services.avatars.put(user.id, a_picture())
    await services.last_uses.flush()
    await services.token_uses.flush()


async def test_nothing_of_a_deleted_account_is_left(
    services: Services, workspace: Workspace, elsewhere: tuple[Client, str], clock: TestClock
) -> None:
    user, name = workspace.users["member"], f"Zoe{secrets.token_hex(6)}"
    anonymous, address = elsewhere
    await use(services, workspace, user, name, anonymous)
    await services.audit_follower.follow(workspace.id)
    found = {collection for _, collection in await where(services, user.email, name, address)}
    assert {"users", "sessions", "audit", "api_tokens", "memberships", "events", "mutations"} <= found
    assert {"confirmations", "invitation_secrets"} <= found
    me = workspace.member.at("")
    assert (await me.delete("/api/v1/me")).status_code == 204
    await services.audit_follower.follow(workspace.id)
    left = await where(services, user.email, name, address)
    assert left == {(address, "audit")}
    clock.forward(days=services.settings.erased_audit_days)
    await services.audit.shorten()
    assert await where(services, user.email, name, address) == set()
    assert [findings async for chain, _, _, findings in services.audit.verify() if chain == user.id] == [[]]


async def test_a_deletion_that_was_taken_back_keeps_the_audit_log(
    services: Services, clock: TestClock
) -> None:
    user = await make_user(services)
    await services.audit.record(AuditKind.ACCOUNT_DELETE, user.id)
    clock.forward(days=services.settings.erased_audit_days + 1)
    await services.audit.shorten()
    assert await services.database.collection(AuditEntry).find_one({"chain": user.id}) is not None


async def test_where_a_token_was_last_used_is_forgotten(
    services: Services, workspace: Workspace, clock: TestClock
) -> None:
    days = services.settings.last_address_days
    now = clock.now()
    for token_id in (old := new_id(), used := new_id()):
        made = {"_id": token_id, "token_hash": token_id, "user_id": workspace.users["owner"].id}
        await services.database.collection(ApiToken).insert_one({**made, "last_used_at": None})
    await services.tokens.note_uses({old: (now, f"{ADDRESS}1"), used: (now, f"{ADDRESS}2")})
    clock.forward(days=days - 1)
    await services.tokens.note_uses({used: (clock.now(), f"{ADDRESS}3")})
    clock.forward(days=2)
    await services._duties()[JobKind.RETENTION].run({})
    kept = [await stored(services, ApiToken, one) for one in (old, used)]
    assert [one and one["last_address"] for one in kept] == [None, f"{ADDRESS}3"]
    assert kept[0] is not None
    assert kept[0]["last_used_at"] == now
