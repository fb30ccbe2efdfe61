"""The audit log follows the workspaces' logs: after each commit, and after any interruption."""

import asyncio
from collections.abc import AsyncIterator

import anyio
import pytest

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.audit import AuditHead
from app.services.audit import AuditFollower, queries
from app.services.bootstrap import Services
from app.tests.support.clients import ok
from app.tests.support.conventions import last_event
from app.tests.support.factories import Workspace, make_user

pytestmark = pytest.mark.anyio


START = AuditFollower.start
"""As the module is read, before the tests' own settings keep it from following."""


@pytest.fixture(autouse=True)
async def following(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """It runs, for this workspace alone: what other tests have left it would copy first."""
    behind = queries.behind

    async def here(database: Database) -> list[str]:
        return [one for one in await behind(database) if one == workspace.id]

    monkeypatch.setattr(queries, "behind", here)
    monkeypatch.setattr(AuditFollower, "start", START)
    services.audit_follower._changed.clear()
    services.audit_follower.start()
    yield
    await services.audit_follower.close()


async def entries(services: Services, workspace: Workspace) -> list[Doc]:
    return [entry async for entry in queries.entries(services.database, workspace.id)]


async def soon(services: Services, workspace: Workspace, seq: int) -> Doc:
    for _ in range(500):
        for entry in await entries(services, workspace):
            if entry["seq"] == seq:
                return entry
        await anyio.sleep(0.01)
    raise AssertionError("it is not copied")


async def test_a_change_of_a_membership_is_there_at_once(services: Services, workspace: Workspace) -> None:
    member = workspace.membership_ids["member"]
    answer = await workspace.api.patch(f"/memberships/{member}", {"role": "admin"})
    entry = await soon(services, workspace, int(answer.headers["pastis-event"]))
    assert entry["kind"] == "membership.update"
    assert entry["actor"]["user_id"] == workspace.users["owner"].id
    assert entry["user_id"] == workspace.users["member"].id
    assert entry["workspace_ids"] == [workspace.id]
    (change,) = entry["detail"]["changes"]
    assert change["before"]["role"] == "member"
    assert change["set"]["role"] == "admin"


async def test_the_founding_and_the_people_are_there(services: Services, workspace: Workspace) -> None:
    await services.audit_follower.follow(workspace.id)
    kinds = [
        entry["kind"] for entry in sorted(await entries(services, workspace), key=lambda one: one["seq"])
    ]
    assert kinds == ["workspace.create", "membership.create", "membership.create"]


async def test_an_undo_is_there_as_what_it_does(services: Services, workspace: Workspace) -> None:
    member = workspace.membership_ids["member"]
    changed = await workspace.api.patch(f"/memberships/{member}", {"role": "admin"})
    undone = await workspace.api.post(f"/events/{changed.headers['pastis-event']}/undo")
    entry = await soon(services, workspace, int(undone.headers["pastis-event"]))
    assert (entry["kind"], entry["detail"]["command"]) == ("membership.update", "event.undo")


async def test_a_grant_is_about_whom_it_was_given_to(services: Services, workspace: Workspace) -> None:
    body = {"membership_id": workspace.membership_ids["member"], "role": "lead"}
    answer = await workspace.api.post("/projects/FLUID/grants", body)
    ok(answer, 201)
    entry = await soon(services, workspace, int(answer.headers["pastis-event"]))
    assert (entry["kind"], entry["user_id"]) == ("grant.create", workspace.users["member"].id)


async def test_work_on_tasks_is_not(services: Services, workspace: Workspace) -> None:
    await services.audit_follower.follow(workspace.id)
    before = len(await entries(services, workspace))
    await workspace.task()
    await services.audit_follower.follow(workspace.id)
    assert len(await entries(services, workspace)) == before
    head = await services.database.collection(AuditHead).find_one({"_id": workspace.id})
    assert head is not None
    assert head["followed"] == (await last_event(services, workspace))["seq"]


async def test_what_another_process_committed_is_found(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners = services.writers.listeners
    monkeypatch.setattr(
        services.writers, "listeners", [one for one in listeners if "audit" not in repr(one).lower()]
    )
    user = await make_user(services)
    ok(await workspace.api.post("/memberships", {"email": user.email}), 201)
    seq = (await last_event(services, workspace))["seq"]
    assert workspace.id in await queries.behind(services.database)
    other = AuditFollower(services.database, services.writers, services.audit)
    other.start()
    try:
        assert (await soon(services, workspace, seq))["user_id"] == user.id
    finally:
        await other.close()


async def test_a_log_that_is_followed_twice_is_copied_once(services: Services, workspace: Workspace) -> None:
    user = await make_user(services)
    ok(await workspace.api.post("/memberships", {"email": user.email}), 201)
    for _ in range(2):
        await asyncio.gather(*(services.audit_follower.follow(workspace.id) for _ in range(5)))
        cursor = {"$set": {"followed": 0}}  # as after a crash before it was kept
        await services.database.collection(AuditHead).update_one({"_id": workspace.id}, cursor)
    seqs = [entry["seq"] for entry in await entries(services, workspace)]
    assert len(seqs) == len(set(seqs)) == 4
    async for chain, count, _, findings in services.audit.verify():
        if chain == workspace.id:
            assert (count, findings) == (4, [])


async def test_long_logs_are_followed_in_parts(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.audit.jobs.BATCH", 2)
    for name in ("Jon", "Yura", "Heidi"):
        ok(await workspace.api.post("/memberships", {"display_name": name}), 201)
    await services.audit_follower.follow(workspace.id)
    assert len(await entries(services, workspace)) == 6


async def test_it_goes_on_when_something_failed(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.audit.jobs.RETRY_SECONDS", 0.01)
    failed = asyncio.Event()
    behind = queries.behind

    async def fails_once(database: object) -> list[str]:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        return await behind(database)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "behind", fails_once)
    await services.database.collection(AuditHead).update_one({"_id": workspace.id}, {"$set": {"followed": 0}})
    other = AuditFollower(services.database, services.writers, services.audit)
    other.start()
    try:
        await soon(services, workspace, 1)
        assert failed.is_set()
    finally:
        await other.close()
