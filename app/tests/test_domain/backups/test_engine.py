"""Backups are of one number of each log, whoever writes meanwhile, and what comes back is what there was."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.core.config import Settings
from app.core.log import Event, Head, Mutation
from app.models.audit import AuditEntry, AuditKind
from app.models.projects import Project
from app.models.sessions import Session
from app.models.tokens import ApiToken
from app.services.backups import BackupError, queries, verify_all
from app.services.backups.archive import Draft
from app.services.bootstrap import Services
from app.services.sync import Compaction
from app.tests.support import replay
from app.tests.support.backups import (
    KEY,
    Writers,
    archive,
    back_up,
    empty,
    everything,
    log_of,
    of_workspace,
    position,
    restore,
    serving,
)
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import PASSWORD, Workspace, found_workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are read one kind after the other, while others write."""
    quick = queries.copies

    async def copies(*args: Any) -> AsyncIterator[bytes]:
        async for batch in quick(*args):
            yield batch
            await asyncio.sleep(0.05)

    monkeypatch.setattr(queries, "copies", copies)


def inside(target: Path, number: int | None = None) -> list[str]:
    folder = target if number is None else target / f"{number:06}"
    return sorted(path.name for path in folder.iterdir())


async def test_what_was_backed_up_under_sixteen_writers_is_of_one_number(
    origin: tuple[Services, Client],
    services: Services,
    test_settings: Settings,
    clock: TestClock,
    tmp_path: Path,
    slow: None,
) -> None:
    workspaces = [await found_workspace(*origin) for _ in range(2)]
    target = archive(tmp_path, KEY)
    writers = Writers(workspaces, 16)
    made = []
    for _ in range(3):
        await asyncio.sleep(0.2)
        made.append(await back_up(services, target))
    assert await writers.stop() > 50
    assert [one.why_full for one in made] == ["it is the first one", None, None]
    assert all(one.events > 10 for one in made)
    manifests = [one.manifest for one in target.backups()]
    for manifest in manifests:
        async with empty(test_settings, clock) as copy:
            restored = await restore(copy, target, number=manifest.number)
            assert restored.good, restored
            for workspace in workspaces:
                seq = manifest.marks[workspace.id].seq
                events = await log_of(services.database, workspace.id, seq)
                assert await log_of(copy.database, workspace.id, 10**9) == events
                assert await replay.snapshot(copy.database, workspace.id) == replay.replay({}, events)
                head = await position(copy.database, workspace.id)
                assert (head["seq"], head["floor"]) == (seq, 0)
                assert head["epoch"] != manifest.marks[workspace.id].epoch


async def test_everything_comes_back_document_by_document(
    services: Services, workspace: Workspace, copy: Services, tmp_path: Path, all_indexes: None
) -> None:
    target = archive(tmp_path)
    task = await workspace.task()
    await back_up(services, target)
    await workspace.comment(task)
    label = await workspace.label("Überprüfung")
    headers = {"Idempotency-Key": new_id()}
    ok(await workspace.api.patch(f"/tasks/{task['id']}", {"label_ids": [label["id"]]}, headers=headers))
    await services.audit_follower.follow(workspace.id)
    await services.audit.record(AuditKind.EXPORT_CREATE, workspace_id=workspace.id)
    await workspace.service(services)
    made = await back_up(services, target)
    assert made.why_full is None
    before = await everything(services.database)
    assert len(before["tasks"]) == 1
    assert len(before["users"]) == 4
    assert before["mutations"]
    assert before["audit"]
    restored = await restore(copy, target)
    assert restored.good
    assert await everything(copy.database) == before
    for model in (Session, ApiToken):
        assert await services.database.collection(model).count_documents({}) > 0
        assert await copy.database.collection(model).count_documents({}) == 0
    await copy.prepare()
    report = [finding async for *_, found in copy.audit.verify() for finding in found]
    assert report == []
    indexes = await copy.database.collection(Project).index_information()
    assert indexes == await services.database.collection(Project).index_information()


async def test_people_log_in_again_and_go_on_where_it_was_restored(
    services: Services, workspace: Workspace, copy: Services, clock: TestClock, tmp_path: Path
) -> None:
    last = (await workspace.task("Kept"))["version"]
    await back_up(services, archive(tmp_path))
    await restore(copy, archive(tmp_path))
    path = f"/api/v1/workspaces/{workspace.slug}/tasks"
    async with serving(copy.settings, clock) as (_, anonymous):
        refused(await anonymous.as_(workspace.api.token).get(path), 401, "invalid_token")
        who = {"email": workspace.users["owner"].email, "password": PASSWORD, "remember_me": False}
        token = ok(await anonymous.post("/api/v1/auth/login", who))["access_token"]
        client = anonymous.as_(token)
        assert [task["title"] for task in ok(await client.get(path))["items"]] == ["Kept"]
        made = ok(await client.post(path, {"project_id": "FLUID", "title": "New"}), 201)
        assert (made["key"], made["version"]) == ("FLUID-2", last + 1)


async def test_a_workspace_goes_back_to_before_a_deletion(
    services: Services, workspace: Workspace, copy: Services, clock: TestClock, tmp_path: Path
) -> None:
    target = archive(tmp_path)
    first = await workspace.task("First")
    await back_up(services, target)
    clock.forward(minutes=5)
    task = await workspace.task("Second")
    comment = await workspace.comment(task)
    label = await workspace.label()
    ok(
        await workspace.api.patch(
            f"/tasks/{task['id']}", {"label_ids": [label["id"]], "due_date": "2026-12-24"}
        )
    )
    seq = (await position(services.database, workspace.id))["seq"]
    then = await of_workspace(services.database, workspace.id)
    time = clock.now()
    clock.forward(minutes=5)
    ok(await workspace.api.delete(f"/labels/{label['id']}"))
    ok(await workspace.api.delete(f"/tasks/{task['id']}/comments/{comment['id']}"))
    ok(await workspace.api.patch(f"/tasks/{first['id']}", {"title": "Changed"}))
    headers = {"Idempotency-Key": new_id()}
    ok(await workspace.api.post("/tasks", {"project_id": "FLUID", "title": "Third"}, headers=headers), 201)
    await services.audit_follower.follow(workspace.id)
    await back_up(services, target)
    for wanted in ({"seqs": {workspace.slug: seq}}, {"at": time}):
        async with empty(services.settings, clock) as other:
            restored = await restore(other, target, **wanted)
            assert restored.good, restored
            assert await of_workspace(other.database, workspace.id) == then
            assert (await position(other.database, workspace.id))["seq"] == seq
            assert len(await log_of(other.database, workspace.id, 10**9)) == seq
            assert await other.database.collection(Mutation).count_documents({}) == 0
            project = await other.database.collection(Project).find_one({"_id": workspace.project["id"]})
            # What was given since then is not given again.
            assert project is not None
            assert project["last_task_number"] == 3
            assert [found async for *_, some in other.audit.verify() for found in some] == []


async def test_what_is_beside_the_log_is_not_ahead_of_it(
    services: Services, workspace: Workspace, copy: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is copied after the log tells of commands that a restore knows nothing of."""
    quick, keys = queries.log, [new_id(), new_id()]

    async def make(key: str, role: str) -> None:
        body, headers = {"type": "service", "display_name": "Build", "role": role}, {"Idempotency-Key": key}
        ok(await workspace.api.post("/memberships", body, headers=headers), 201)
        await services.audit_follower.follow(workspace.id)

    async def log(*args: Any) -> AsyncIterator[bytes]:
        await make(keys[1], "guest")
        async for batch in quick(*args):
            yield batch

    await make(keys[0], "member")
    monkeypatch.setattr(queries, "log", log)
    target = archive(tmp_path)
    await back_up(services, target)
    restored = await restore(copy, target)
    assert restored.good
    found = await everything(copy.database)
    assert keys[0] in str(found["mutations"])
    assert keys[1] not in str(found["mutations"])
    seq = (await position(copy.database, workspace.id))["seq"]
    assert max(entry["seq"] or 0 for entry in found["audit"].values()) == seq
    assert found["audit_heads"][workspace.id]["followed"] == seq
    assert [one async for *_, some in copy.audit.verify() for one in some] == []


async def test_a_workspace_that_was_founded_later_is_not_there_before(
    origin: tuple[Services, Client], services: Services, copy: Services, clock: TestClock, tmp_path: Path
) -> None:
    first = await found_workspace(*origin)
    time = clock.now()
    clock.forward(hours=1)
    later = await found_workspace(*origin)
    target = archive(tmp_path)
    await back_up(services, target)
    restored = await restore(copy, target, at=time)
    assert restored.good
    heads = await copy.database.collection(Head).find().to_list()
    assert [head["_id"] for head in heads] == [first.id]
    assert not any((await of_workspace(copy.database, later.id)).values())


async def test_whose_account_was_deleted_is_not_brought_back(
    services: Services, workspace: Workspace, clock: TestClock, tmp_path: Path
) -> None:
    user, target = workspace.users["member"], archive(tmp_path)
    await services.audit_follower.follow(workspace.id)
    await back_up(services, target)
    seq = (await position(services.database, workspace.id))["seq"]
    await services.accounts.delete(user.id, {"channel": "cli", "client": None, "request_id": None})
    clock.forward(minutes=1)
    await back_up(services, target)
    for wanted in ({}, {"seqs": {workspace.id: seq}}):
        async with empty(services.settings, clock) as copy:
            restored = await restore(copy, target, **wanted)
            assert restored.good, restored
            assert restored.erased == 1
            found = await everything(copy.database)
            del found["audit"]  # which keeps ids, see decision 31
            assert user.display_name not in str(found)
            assert user.email not in str(found)
            ops = [op for event in found["events"].values() for op in event["ops"]]
            assert user.id not in str([op for op in ops if op["kind"] == "membership"])


async def test_a_shortened_log_makes_a_new_beginning(
    services: Services, workspace: Workspace, copy: Services, tmp_path: Path
) -> None:
    target = archive(tmp_path)
    await workspace.task("Before")
    await back_up(services, target)
    seq = (await position(services.database, workspace.id))["seq"]
    compaction = Compaction(services.database)
    await compaction.compact(workspace.id, seq - 2)
    await workspace.task("After")
    assert (await back_up(services, target)).why_full is None
    await compaction.compact(workspace.id, seq)
    before = await everything(services.database)
    restored = await restore(copy, target)
    assert restored.good
    gone = {id_ for id_, event in (await everything(copy.database))["events"].items() if event["seq"] <= seq}
    assert len(gone) == 2  # those that were there when it was backed up
    await workspace.task("Later")
    await compaction.compact(workspace.id, (await position(services.database, workspace.id))["seq"])
    assert before["tasks"].keys() < (await everything(services.database))["tasks"].keys()
    assert (await back_up(services, target)).why_full == "a log was shortened"
    assert [one.numbers for one in verify_all(target)] == [(1, 2), (3, 3)]


async def test_a_log_that_lacks_an_event_is_backed_up_and_told(
    services: Services, workspace: Workspace, copy: Services, tmp_path: Path
) -> None:
    target = archive(tmp_path)
    label = await workspace.label()
    await workspace.label("Other")
    await services.database.collection(Event).delete_one({"_id": f"{workspace.id}:{label['version']}"})
    assert (await back_up(services, target)).lacking == 1
    assert verify_all(target)[0].lacking == 1
    restored = await restore(copy, target)
    assert not restored.good
    assert restored.reports[0].gaps == [label["version"]]


async def test_two_at_once_leave_one(services: Services, workspace: Workspace, tmp_path: Path) -> None:
    target = archive(tmp_path)
    results = await asyncio.gather(
        back_up(services, target), back_up(services, archive(tmp_path)), return_exceptions=True
    )
    (refused,) = [one for one in results if isinstance(one, BaseException)]
    assert isinstance(refused, BackupError)
    assert "faster" in str(refused)
    assert [one.number for one in target.backups()] == [1]
    verify_all(target)
    assert len({one.name.split("/")[1] for one in target.backups()[0].manifest.files}) == 1


async def test_an_interrupted_one_counts_for_nothing_and_goes(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = archive(tmp_path)
    await back_up(services, target)
    with monkeypatch.context() as patch:
        patch.setattr(Draft, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            await back_up(services, target)
    assert len(inside(tmp_path, 2)) == 1
    await workspace.task()
    assert (await back_up(services, target)).number == 2
    assert len(inside(tmp_path, 2)) == 3
    await back_up(services, target)  # which is sure that nobody writes to the second one
    assert len(inside(tmp_path, 2)) == 2
    assert verify_all(target)[0].numbers == (1, 3)


async def test_old_ones_go_when_nothing_new_needs_them(
    services: Services, workspace: Workspace, clock: TestClock, tmp_path: Path
) -> None:
    target = archive(tmp_path)
    for full in (False, False, True, False):
        assert (await back_up(services, target, full=full, keep_days=7)).removed == 0
        clock.forward(days=2)
    clock.forward(days=2)
    made = await back_up(services, target, keep_days=7)
    assert (made.number, made.removed) == (5, 0)
    clock.forward(days=2)
    assert (await back_up(services, target, keep_days=7)).removed == 2
    assert [one.numbers for one in verify_all(target)] == [(3, 6)]
    assert inside(tmp_path) == ["000003", "000004", "000005", "000006"]


async def test_an_increment_has_the_audit_log_of_a_day_before(
    services: Services, workspace: Workspace, clock: TestClock, tmp_path: Path
) -> None:
    target = archive(tmp_path)
    await services.audit.record(AuditKind.EXPORT_CREATE)
    clock.forward(days=3)
    await back_up(services, target)
    await services.audit.record(AuditKind.EXPORT_CREATE)
    await back_up(services, target)
    counts = [
        next(file.documents for file in one.manifest.files if file.collection == AuditEntry.__collection__)
        for one in target.backups()
    ]
    assert counts[0] > 1
    assert counts[1] == 1
