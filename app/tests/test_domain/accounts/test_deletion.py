"""Deleting an account: what is personal goes, what was done stays, whatever interrupts it."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.log import Mutation
from app.models import DOCUMENTS
from app.models.audit import AuditEntry
from app.models.avatars import Avatar
from app.models.confirmations import Purpose
from app.models.factors import FactorSet
from app.models.mails import Letter
from app.models.memberships import Membership
from app.models.users import User
from app.services.bootstrap import Services
from app.services.integrity import check_workspace
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import kept_since, stored
from app.tests.support.factories import PASSWORD, Workspace, make_user
from app.tests.support.pictures import a_picture
from app.tests.support.replay import events_after, head, replay, snapshot, walk_back
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
SOURCE = {"channel": "cli", "client": None, "request_id": None}
NAME = "Anastasia Cheetham"


@pytest.fixture
async def user(services: Services, workspace: Workspace) -> User:
    """The member, who has left traces everywhere."""
    user = workspace.users["member"]
    membership = workspace.membership_ids["member"]
    headers = {"Idempotency-Key": new_id()}
    path = f"/memberships/{membership}"
    ok(await workspace.api.patch(path, {"display_name": "Ana C."}, headers=headers))
    ok(await workspace.api.patch(path, {"display_name": NAME}))
    ok(await workspace.member.post("/tasks", {"project_id": "FLUID", "title": "Hers"}), 201)
    await services.avatars.put(user.id, a_picture())
    stamp = {"user_id": user.id, "created_at": services.clock.now(), "updated_at": services.clock.now()}
    identity = {"issuer": "https://idp.example", "subject": user.id, "email": user.email}
    await services.database.raw("identities").insert_one({"_id": new_id(), **identity, **stamp})
    await services.confirmations.make(Purpose.PASSWORD_RESET, user.email, user.email, user.id)
    return user


async def check_erased(services: Services, workspace: Workspace, user: User) -> None:
    membership = await stored(services, Membership, workspace.membership_ids["member"])
    assert membership is not None
    assert (membership["display_name"], membership["user_id"]) == ("Deleted user", None)
    assert membership["removed_at"] is not None
    for gone in (Avatar, FactorSet, User):
        assert await stored(services, gone, user.id) is None
    for name in ("confirmations", "identities", "mails", "passkeys", "sessions"):
        assert await services.database.raw(name).find_one({"user_id": user.id}) is None
    async for model, kept in kept_since(services, user.id):
        assert user.email not in kept, model
    for model in DOCUMENTS:
        if "workspace_id" in model.__odm_fields__:
            docs = str(
                await services.database.collection(model).find({"workspace_id": workspace.id}).to_list()
            )
            assert not any(one in docs for one in (user.email, NAME, "Ana C.")), model
    ops = [op for event in await events_after(services.database, workspace.id) for op in event["ops"]]
    assert user.id not in str(ops)
    await services.audit_follower.follow(workspace.id)
    audited = services.database.collection(AuditEntry).find({"workspace_ids": workspace.id})
    told = str(await audited.to_list())
    assert "membership.create" in told
    assert NAME not in told


async def check_log(services: Services, workspace: Workspace) -> None:
    """The log adds up, forwards and backwards, from any point."""
    report = await check_workspace(
        services.database, workspace.id, await head(services.database, workspace.id)
    )
    assert report.good, report
    now = await snapshot(services.database, workspace.id)
    log = await events_after(services.database, workspace.id)
    for cut in range(len(log) + 1):
        then = replay({}, log[:cut])
        assert walk_back(now, log[cut:]) == then
        assert replay(then, log[cut:]) == now


async def test_what_is_personal_goes_and_what_was_done_stays(
    services: Services, workspace: Workspace, user: User
) -> None:
    await services.database.engine.insert(FactorSet(id=user.id, recovery_hashes=["0" * 64]))
    passkey = {"_id": new_id(), "credential_id": new_id(), "name": "Laptop", "user_id": user.id}
    await services.database.raw("passkeys").insert_one(passkey)
    before = await head(services.database, workspace.id)
    answer = await workspace.member.at("").delete("/api/v1/me")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await workspace.member.at("").get("/api/v1/me"), 401, "invalid_token")
    await check_erased(services, workspace, user)
    await check_log(services, workspace)
    (event,) = await events_after(services.database, workspace.id, before)
    assert event["command"] == "membership.erase"
    titles = [one["title"] for one in ok(await workspace.api.get("/tasks"))["items"]]
    assert titles == ["Hers"]
    records = services.database.collection(Mutation).find({"workspace_id": workspace.id})
    assert workspace.membership_ids["member"] not in str(await records.to_list())


async def test_what_others_have_stays(services: Services, workspace: Workspace, user: User) -> None:
    other = workspace.users["admin"]
    for name in ("identities", "passkeys"):
        own = {"_id": new_id(), "issuer": new_id(), "credential_id": new_id(), "user_id": other.id}
        await services.database.raw(name).insert_one(own)
    await services.confirmations.make(Purpose.PASSWORD_RESET, other.email, other.email, other.id)
    await services.accounts.delete(user.id, SOURCE)
    for name in ("confirmations", "identities", "passkeys", "sessions"):
        assert await services.database.raw(name).find_one({"user_id": other.id}) is not None, name


async def test_a_client_that_holds_the_name_comes_to_the_same(
    services: Services, workspace: Workspace, user: User
) -> None:
    """Snapshot at S and the new values of the events since: the snapshot at T."""
    seq = await head(services.database, workspace.id)
    state = await snapshot(services.database, workspace.id)
    await services.accounts.delete(user.id, SOURCE)
    for event in await events_after(services.database, workspace.id, seq):
        for op in event["ops"]:
            state[op["kind"], op["id"]] |= op["set"]
    assert state == await snapshot(services.database, workspace.id)


async def test_it_cannot_be_undone(services: Services, workspace: Workspace, user: User) -> None:
    await services.accounts.delete(user.id, SOURCE)
    seq = await head(services.database, workspace.id)
    refused(await workspace.api.post(f"/events/{seq}/undo"), 409, "undo_conflict")
    await check_erased(services, workspace, user)


async def test_the_last_owner_is_kept_and_told_where(
    services: Services, workspace: Workspace, user: User
) -> None:
    problem = refused(await workspace.api.at("").delete("/api/v1/me"), 409, "last_owner")
    assert workspace.slug in problem["detail"]
    ok(await workspace.api.get("/tasks"))
    kept = await stored(services, User, workspace.users["owner"].id)
    assert kept is not None
    assert kept["active"]
    path = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(path, {"role": "owner"}))
    ok(await workspace.api.at("").delete("/api/v1/me"), 204)
    await check_log(services, workspace)


async def test_nor_is_the_last_owner_put_to_rest(services: Services, workspace: Workspace) -> None:
    """Who is at rest is no owner either."""
    me = workspace.api.at("")
    before = await stored(services, User, workspace.users["owner"].id)
    problem = refused(await me.post("/api/v1/me/deactivate"), 409, "last_owner")
    assert workspace.slug in problem["detail"]
    assert await stored(services, User, workspace.users["owner"].id) == before
    ok(await workspace.api.get("/tasks"))
    path = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(path, {"role": "owner"}))
    ok(await workspace.member.at("").post("/api/v1/me/deactivate"), 204)
    refused(await me.post("/api/v1/me/deactivate"), 409, "last_owner")
    refused(await me.delete("/api/v1/me"), 409, "last_owner")
    own = f"/memberships/{workspace.membership_ids['owner']}"
    refused(await workspace.api.patch(own, {"role": "admin"}), 409, "last_owner")
    refused(await workspace.api.delete(own), 409, "last_owner")
    ok(await workspace.api.delete(path))  # takes no owner away who could log in
    admin = f"/memberships/{workspace.membership_ids['admin']}"
    ok(await workspace.api.patch(admin, {"role": "owner"}))
    ok(await me.post("/api/v1/me/deactivate"), 204)


async def test_of_two_owners_who_rest_together_one_stays(services: Services, workspace: Workspace) -> None:
    path = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(path, {"role": "owner"}))
    clients = (workspace.api.at(""), workspace.member.at(""))
    answers = await asyncio.gather(*(one.post("/api/v1/me/deactivate") for one in clients))
    assert {one.status_code for one in answers} <= {204, 409}
    ids = [workspace.users[role].id for role in ("owner", "member")]
    active = services.database.collection(User).count_documents({"_id": {"$in": ids}, "active": True})
    assert await active == 2 - [one.status_code for one in answers].count(204) >= 1


async def test_who_was_an_owner_once_is_none_who_stays(
    services: Services, workspace: Workspace, user: User
) -> None:
    path = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(path, {"role": "owner"}))
    ok(await workspace.api.delete(path))
    problem = refused(await workspace.api.at("").delete("/api/v1/me"), 409, "last_owner")
    assert workspace.slug in problem["detail"]
    ok(await workspace.api.get("/tasks"))  # nothing had begun


async def test_an_owner_who_rests_a_moment_before_is_noticed(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(path, {"role": "owner"}))
    real, other = services.users.update, workspace.users["member"].id

    async def update(user_id: str, changes: dict[str, Any]) -> User:
        await real(other, {"active": False})
        return await real(user_id, changes)

    monkeypatch.setattr(services.users, "update", update)
    refused(await workspace.api.at("").post("/api/v1/me/deactivate"), 409, "last_owner")
    ok(await workspace.api.get("/tasks"))


async def test_it_needs_a_recent_login(workspace: Workspace, clock: TestClock, services: Services) -> None:
    clock.forward(minutes=10, seconds=1)
    for method, path in (("DELETE", "/api/v1/me"), ("POST", "/api/v1/me/deactivate")):
        answer = await workspace.member.at("").request(method, path)
        refused(answer, 403, "reauthentication_required")
    kept = await stored(services, User, workspace.users["member"].id)
    assert kept is not None
    assert kept["active"]


class Killed(Exception):  # noqa: N818 - it is what happens
    """The process is gone."""


async def test_an_interruption_anywhere_is_finished_by_its_job(
    services: Services, workspace: Workspace, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [
        (services.users, "update"),
        (services.users, "note_erased"),
        (services.sessions, "end_all"),
        (services.accounts._departures, "leave"),
        (services.accounts._departures, "clean_log"),
        (services.users, "delete"),
    ]
    for (engine, name), after in itertools.product(steps, (False, True)):
        with monkeypatch.context() as patch:
            patch.setattr(engine, name, killing(getattr(engine, name), after=after))
            with pytest.raises(Killed):
                await services.accounts.delete(user.id, SOURCE)
        await services.accounts.finish({"payload": {"user_id": user.id}})
        if await stored(services, User, user.id) is None:
            await check_erased(services, workspace, user)
        else:  # nothing had begun
            assert (name, after) == ("update", False)
            continue
        await check_log(services, workspace)
        user = await again(services, workspace)


def killing(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    async def cut_off(*arguments: Any, **options: Any) -> None:
        if after:
            await step(*arguments, **options)
        raise Killed

    return cut_off


async def again(services: Services, workspace: Workspace) -> User:
    """Somebody new in the member's place."""
    user = await make_user(services, NAME)
    body = {"email": user.email, "role": "member"}
    workspace.membership_ids["member"] = ok(await workspace.api.post("/memberships", body), 201)["id"]
    return user


async def test_two_owners_who_leave_at_once_do_not_leave_a_workspace_alone(
    services: Services, workspace: Workspace, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second passes the first look, and is stopped by the command."""

    async def looks_well(_: str) -> list[str]:
        return []

    monkeypatch.setattr(services.accounts._departures, "needed_in", looks_well)
    owner = workspace.users["owner"]
    with pytest.raises(PastisError) as refusal:
        await services.accounts.delete(owner.id, SOURCE)
    assert refusal.value.code is ErrorCode.LAST_OWNER
    kept: Doc | None = await stored(services, User, owner.id)
    assert kept is not None
    assert (kept["active"], kept["deleting_since"], kept["erased_memberships"]) == (True, None, [])
    await check_log(services, workspace)


async def test_mails_of_the_account_go_too(services: Services, workspace: Workspace, user: User) -> None:
    await services.mail.send(Letter.PASSWORD_CHANGED, user.email, "en", user_id=user.id)
    await services.accounts.delete(user.id, SOURCE)
    assert user.id not in str(await services.database.raw("mails").find({}).to_list())


async def test_deactivation_ends_logins_and_keeps_everything(
    services: Services, workspace: Workspace, user: User, anonymous: Any
) -> None:
    client = workspace.member.at("")
    answer = await client.post("/api/v1/me/deactivate")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await client.get("/api/v1/me"), 401, "invalid_token")
    login = {"email": user.email, "password": PASSWORD}
    refused(await anonymous.post("/api/v1/auth/login", login), 401, "invalid_credentials")
    membership = await stored(services, Membership, workspace.membership_ids["member"])
    assert membership is not None
    assert (membership["display_name"], membership["removed_at"]) == (NAME, None)
    await services.auth.set_active(user.email, active=True)
    refused(await client.get("/api/v1/me"), 401, "invalid_token")  # what has ended has ended
    stopped = workspace.admin.at("")
    for active in (False, True):
        await services.auth.set_active(workspace.users["admin"].email, active=active)
    refused(await stopped.get("/api/v1/me"), 401, "invalid_token")
    ok(await anonymous.post("/api/v1/auth/login", login), 200)
