"""A log is shortened by whole batches, for good, while others write; what is left says what is gone."""

import asyncio
from datetime import timedelta

import pytest

from app.core.errors import ErrorCode, PastisError
from app.core.log import Event, Head
from app.models.tasks import Task
from app.models.tombstones import Tombstone
from app.services.bootstrap import Services
from app.services.integrity import check_workspace
from app.services.sync import Compaction, compaction, queries
from app.services.sync.following import Following
from app.tests.support.clients import ok
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.replay import events_after, head
from app.tests.support.streams import answered, shorten
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def floor(services: Services, workspace: Workspace) -> int:
    found = await services.database.collection(Head).find_one({"_id": workspace.id})
    assert found is not None
    return int(found["floor"])


async def tombstones(services: Services, workspace: Workspace) -> list[tuple[str, str, bool, int]]:
    query = {"workspace_id": workspace.id}
    found = services.database.collection(Tombstone).find(query, sort=[("seq", 1)])
    return [(one["kind"], one["document_id"], one["moved"], one["seq"]) for one in await found.to_list()]


async def test_events_go_and_what_left_is_remembered(services: Services, workspace: Workspace) -> None:
    task, label = await workspace.task(), await workspace.label()
    comment = await workspace.comment(task)
    path = f"/tasks/{task['id']}"
    ok(await workspace.api.post("/projects", {"key": "HID", "name": "Hidden"}), 201)
    there = answered(await workspace.api.post(f"{path}/move", {"project_id": "HID"}))
    answered(await workspace.api.post(f"{path}/move", {"project_id": "FLUID"}))
    back = answered(await workspace.api.post(f"{path}/move", {"project_id": "HID"}))
    gone = answered(await workspace.api.delete(f"/labels/{label['id']}"))
    last = answered(await workspace.api.delete(f"{path}/comments/{comment['id']}"))
    assert there < back
    kept = await workspace.label("Later")
    assert await shorten(services, workspace, last) == last
    assert await floor(services, workspace) == last
    assert [event["seq"] for event in await events_after(services.database, workspace.id)] == [
        kept["version"]
    ]
    assert await tombstones(services, workspace) == [
        ("task", task["id"], True, back - 1),
        ("task", task["id"], True, back),
        ("label", label["id"], False, gone),
        ("comment", comment["id"], False, last),
    ]
    assert await shorten(services, workspace, last) == 0


async def test_it_goes_by_whole_batches(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "BATCH", 2)
    until = await head(services.database, workspace.id) - 1
    assert until % 2
    assert await shorten(services, workspace, until) == until
    assert await floor(services, workspace) == until


async def test_several_at_once_delete_each_event_once(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "BATCH", 2)
    until = await head(services.database, workspace.id)
    found = await asyncio.gather(*(shorten(services, workspace, until) for _ in range(3)))
    assert sum(found) == until
    assert await floor(services, workspace) == until


async def test_others_write_meanwhile(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "BATCH", 1)
    shortening = asyncio.create_task(shorten(services, workspace))
    made = [await workspace.task() for _ in range(15)]
    assert await shortening
    numbers = [task["version"] for task in made]
    assert numbers == list(range(numbers[0], numbers[0] + 15))
    report = await check_workspace(
        services.database, workspace.id, numbers[-1], await floor(services, workspace)
    )
    assert report.good


async def test_the_check_believes_what_is_left(services: Services, workspace: Workspace) -> None:
    old = await workspace.task()
    await shorten(services, workspace)
    until = await floor(services, workspace)
    ok(await workspace.api.patch(f"/tasks/{old['id']}", {"title": "Newer"}))
    label = await workspace.label()
    now = await head(services.database, workspace.id)
    assert (await check_workspace(services.database, workspace.id, now, until)).good
    tasks = services.database.collection(Task)
    await tasks.update_one({"_id": old["id"]}, {"$set": {"title": "By hand"}})
    await services.database.collection(Event).delete_one(
        {"workspace_id": workspace.id, "seq": label["version"]}
    )
    report = await check_workspace(services.database, workspace.id, now, until)
    assert report.differences == [
        f"label {label['id']}: in the database, not in the log",
        f"task {old['id']}: title unlike the log",
    ]


async def test_how_far_an_age_goes(services: Services, workspace: Workspace, clock: TestClock) -> None:
    found = Compaction(services.database)
    before = await head(services.database, workspace.id)
    assert await found.until(workspace.id, clock.now() - timedelta(days=1)) == 0
    clock.forward(seconds=3600)
    assert await found.until(workspace.id, clock.now()) == before
    since = clock.now()
    await workspace.task()
    clock.forward(seconds=3600)
    assert await found.until(workspace.id, since) == before
    assert await found.until(workspace.id, clock.now()) == before + 1


async def test_a_workspace_must_be_there(services: Services) -> None:
    with pytest.raises(PastisError) as caught:
        await Compaction(services.database).compact(new_id(), 1)
    assert caught.value.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("known", ["before", "after"])
async def test_who_follows_from_too_far_behind_must_open_anew(
    services: Services, workspace: Workspace, clock: TestClock, known: str
) -> None:
    """Also where the floor moves between the look at the head and the look at the log."""
    following = await Following.open(services.database, clock, workspace.id)
    behind = following.head
    await workspace.label("One")
    await workspace.label("Two")
    heads = await queries.heads(services.database, [workspace.id])
    await shorten(services, workspace, behind + 1)
    if known == "after":
        heads = await queries.heads(services.database, [workspace.id])
    with pytest.raises(PastisError) as caught:
        await following.follow(heads[workspace.id])
    assert (caught.value.code, following.head) == (ErrorCode.OVERLOADED, behind)
