"""The stream of a workspace: told at once, in order, exactly once, from any cursor on."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from app.api import streams
from app.services.bootstrap import Services
from app.services.sync import feed as feeds
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.streams import Stream, answered, copy_of, fetched, following, page, text_of

pytestmark = pytest.mark.anyio


async def test_a_stream_begins_now_with_a_cursor(workspace: Workspace, app: FastAPI) -> None:
    seq = (await workspace.task())["version"]
    async with Stream(app, workspace.api, None, {}) as stream:
        first = await stream.frame()
        assert (first.since, first.to, first.ops) == (seq, seq, ())
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert "x-request-id" in stream.headers
        task = await workspace.task("Tooltip stays open")
        frame = await stream.frame()
        (op,) = frame.ops
        assert (op["verb"], op["kind"], op["id"], op["version"]) == ("create", "task", task["id"], frame.to)
        assert op["set"] == task
        assert op["by"] == workspace.membership_ids["owner"]
    assert stream.body.startswith(b"retry: ")


async def test_a_change_tells_only_what_changed(workspace: Workspace, app: FastAPI) -> None:
    task = await workspace.task()
    async with following(app, workspace.member) as (stream,):
        changed = await workspace.api.patch(f"/tasks/{task['id']}", {"priority": "urgent"})
        frame = await stream.frame()
        await stream.told(answered(changed))
        (op,) = frame.ops
        assert op["verb"] == "update"
        assert set(op["set"]) == {"priority", "version", "updated_at"}


async def test_many_changes_come_in_order_once(workspace: Workspace, app: FastAPI) -> None:
    async with following(app, workspace.api, workspace.admin, workspace.member) as streams:
        tasks = await asyncio.gather(*(workspace.task(f"Task {number}") for number in range(60)))
        last = max(task["version"] for task in tasks)
        for stream in streams:
            replica = await stream.told(last)
            assert {id_: doc["title"] for id_, doc in replica.docs["task"].items()} == {
                task["id"]: task["title"] for task in tasks
            }


async def test_a_stream_goes_on_from_where_it_was_cut(workspace: Workspace, app: FastAPI) -> None:
    replica = await fetched(workspace.member)
    for round_ in range(3):
        await workspace.task(f"While nobody looked {round_}")
        async with Stream(app, workspace.member, replica, {}) as stream:
            seq = (await workspace.task(f"Live {round_}"))["version"]
            await stream.told(seq)
    assert text_of(replica) == text_of(await fetched(workspace.member))


async def test_the_header_of_a_browser_counts_more_than_the_address(workspace: Workspace) -> None:
    old = await fetched(workspace.api)
    await workspace.task()
    new = copy_of(old)
    new.apply(await page(workspace.api, new))
    answer = await workspace.api.get(
        "/sync", params={"since": old.cursor}, headers={"Last-Event-ID": new.cursor}
    )
    assert ok(answer)["from"] == new.number


async def test_a_page_waits_for_something_to_come(workspace: Workspace) -> None:
    replica = await fetched(workspace.member)
    waiting = asyncio.create_task(page(workspace.member, replica, wait=20))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    seq = (await workspace.task())["version"]
    frame = await waiting
    assert (frame.since, frame.to, len(frame.ops)) == (replica.number, seq, 1)


async def test_a_page_gives_up_waiting(workspace: Workspace) -> None:
    replica = await fetched(workspace.member)
    project = {"key": "HID", "name": "Hidden", "visibility": "private"}
    waiting = asyncio.create_task(page(workspace.member, replica, wait=1))
    await asyncio.sleep(0.1)
    ok(await workspace.api.post("/projects", project), 201)
    seq = answered(await workspace.api.post("/tasks", {"project_id": "HID", "title": "Not for all"}))
    frame = await waiting
    assert (frame.since, frame.to, frame.ops) == (replica.number, seq, ()), (
        "it has seen that there is nothing"
    )


async def test_heartbeats_tell_how_far_one_has_come(
    workspace: Workspace, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "HEARTBEAT_SECONDS", 0.1)
    ok(await workspace.api.post("/projects", {"key": "HID", "name": "Hidden", "visibility": "private"}), 201)
    async with following(app, workspace.member) as (stream,):
        task = ok(await workspace.api.post("/tasks", {"project_id": "HID", "title": "Not for all"}), 201)
        replica = await stream.told(task["version"])
        assert task["id"] not in replica.docs.get("task", {})
        assert task["id"].encode() not in stream.body


@pytest.mark.parametrize("cursor", ["7", "x.y.z", "..", "a.-1." + "0" * 18, "a.01." + "0" * 18])
async def test_what_was_never_a_cursor_is_refused(cursor: str, workspace: Workspace) -> None:
    refused(await workspace.api.get("/sync", params={"since": cursor}), 422, "invalid_cursor")


async def test_a_cursor_that_leads_nowhere_means_to_begin_again(workspace: Workspace, app: FastAPI) -> None:
    replica = await fetched(workspace.api)
    epoch, seq, digest = replica.cursor.split(".")
    stray = [f"{epoch[:-1]}x.{seq}.{digest}", f"{epoch}.{int(seq) + 1}.{digest}", f"{epoch}.{seq}.{'0' * 18}"]
    for cursor in stray:
        refused(await workspace.api.get("/sync", params={"since": cursor}), 410, "sync_reset")
        replica.cursor = cursor
        async with Stream(app, workspace.api, replica, {}) as stream:
            type_, problem = await stream.ended()
        assert (type_, problem["code"], problem["status"]) == ("reset", "sync_reset", 410)


async def test_only_one_project_is_told_of_where_that_is_asked(workspace: Workspace, app: FastAPI) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infrastructure"}), 201)
    async with following(app, workspace.api, project="fluid") as (stream,):
        ok(await workspace.api.post("/tasks", {"project_id": "INFRA", "title": "Elsewhere"}), 201)
        seq = (await workspace.task("Here"))["version"]
        replica = await stream.told(seq)
        assert [doc["title"] for doc in replica.docs["task"].values()] == ["Here"]
        assert [doc["key"] for doc in replica.docs["project"].values()] == ["FLUID"]
    refused(await workspace.api.get("/sync", params={"project": "NONE"}), 404, "not_found")
    everything = {"since": replica.cursor}
    refused(await workspace.api.get("/sync", params=everything), 410, "sync_reset")


async def test_only_some_fields_are_told_where_that_is_asked(workspace: Workspace, app: FastAPI) -> None:
    task = await workspace.task(description="Long")
    async with following(app, workspace.api, fields=["task:title,priority"]) as (stream,):
        assert stream.replica is not None
        named = {"id", "workspace_id", "project_id", "version"}
        assert stream.replica.docs["task"][task["id"]].keys() == named | {"title", "priority"}
        changed = await workspace.api.patch(
            f"/tasks/{task['id']}", {"priority": "low", "description": "Short"}
        )
        await stream.told(answered(changed))
        assert b"Short" not in stream.body
        assert stream.replica.docs["task"][task["id"]]["priority"] == "low"
    for fields in ("task", "task:", "task:nothing", "nobody:title", "task:keys"):
        problem = refused(
            await workspace.api.get("/sync", params={"fields": fields}), 422, "validation_failed"
        )
        assert problem["errors"][0]["code"] == "invalid_choice", fields
    twice = {"fields": ["task:title", "task:priority"]}
    refused(await workspace.api.get("/sync", params=twice), 422, "validation_failed")


async def test_what_other_processes_do_is_told(
    workspace: Workspace, app: FastAPI, other_app: FastAPI
) -> None:
    async with following(other_app, workspace.member) as (stream,):
        seq = (await workspace.task("Done in the first process"))["version"]
        replica = await asyncio.wait_for(stream.told(seq), 2)
        assert text_of(replica) == text_of(await fetched(workspace.member))


async def test_a_client_may_change_to_a_process_that_is_behind(
    workspace: Workspace, app: FastAPI, other_app: FastAPI
) -> None:
    other: Services = other_app.state.services
    async with following(other_app, workspace.member) as (stream,):
        hub = next(iter(other.sync._hubs.values()))
        publish, hub.log.publish = hub.log.publish, lambda _: None  # type: ignore[assignment,method-assign] # it is slow
        replica = await fetched(workspace.member)
        await workspace.task()
        replica.apply(await page(workspace.member, replica))
        assert hub.log.head < replica.number
        hub.log.publish = publish  # type: ignore[method-assign]
        async with Stream(other_app, workspace.member, replica, {}) as second:
            await second.told((await workspace.task())["version"])
        await stream.told(replica.number)


async def test_nothing_is_missed_while_the_doorbell_is_silent(
    workspace: Workspace, app: FastAPI, other_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_app.state.services.doorbell, "_tell", lambda _: None)
    async with following(other_app, workspace.member) as (stream,):
        seq = (await workspace.task())["version"]
        await asyncio.wait_for(stream.told(seq), 3)


async def test_who_takes_nothing_is_let_go(
    workspace: Workspace, services: Services, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SLOW_SECONDS", 0.2)
    async with following(app, workspace.member) as (stream,):
        before = services.sync.size
        stream.hold = asyncio.Event()
        await workspace.task()
        for _ in range(40):
            if services.sync.size < before:
                break
            await asyncio.sleep(0.1)
        assert services.sync.size == before - 1
        stream.hold.set()


async def test_who_leaves_is_noticed_at_once(workspace: Workspace, services: Services, app: FastAPI) -> None:
    async with following(app, workspace.member):
        before = services.sync.size
        assert before >= 1
    assert services.sync.size == before - 1


async def test_no_more_are_let_in_than_there_is_room_for(
    workspace: Workspace, services: Services, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(app, workspace.member):
        monkeypatch.setattr(services.sync, "_most", services.sync.size)
        answer = await workspace.admin.get("/sync", headers={"Accept": "text/event-stream"})
        refused(answer, 503, "overloaded")
        assert answer.headers["retry-after"] == "5"


async def test_a_server_that_stops_says_when_to_come_back(workspace: Workspace, other_app: FastAPI) -> None:
    async with following(other_app, workspace.member, workspace.admin) as streams:
        other_app.state.services.sync.end_all()
        for stream in streams:
            type_, problem = await stream.ended()
            assert (type_, problem["code"]) == ("end", "server_stopping")
            assert stream._parser.retry is not None
            assert 500 <= stream._parser.retry <= 3000
    answer = await workspace.api.get("/sync")
    assert ok(answer)["ops"] == []


async def test_head_has_no_body(workspace: Workspace) -> None:
    for path in ("/sync", "/sync/snapshot"):
        answer = await workspace.api.request("HEAD", path, headers={"Accept": "text/event-stream"})
        assert (answer.status_code, answer.content) == (200, b""), path


async def test_a_stream_outlasts_the_access_token_and_ends_with_the_login(
    workspace: Workspace, services: Services, app: FastAPI, clock: TestClock
) -> None:
    async with following(app, workspace.member) as (stream,):
        clock.forward(minutes=20)
        await asyncio.sleep(1.5)
        await stream.taken()
        clock.forward(hours=13)
        type_, problem = await stream.ended()
        assert (type_, problem["code"]) == ("end", "invalid_token")


async def test_what_only_asked_leaves_nothing_behind(workspace: Workspace, services: Services) -> None:
    replica = await fetched(workspace.member)
    hub = services.sync._hubs[workspace.id]
    await page(workspace.member, replica)
    assert hub._audiences
    hub.tick(0.0)
    assert hub._audiences == {}


async def test_who_waits_too_long_to_be_let_in_is_told_to_come_back(
    workspace: Workspace, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PATIENCE_SECONDS", 0.05)
    layer: Any = app.middleware_stack
    while not isinstance(layer, streams.StreamLayer):
        layer = layer.app
    monkeypatch.setattr(layer, "_opening", asyncio.Semaphore(0))
    answer = await workspace.api.get("/sync", headers={"Accept": "text/event-stream"})
    refused(answer, 503, "overloaded")
    ok(await workspace.api.get("/sync"))
