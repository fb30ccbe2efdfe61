"""Who was away for longer than the log goes back, or missed too much of it, comes to now all the same."""

from typing import Any

import pytest
from fastapi import FastAPI
from pastis_client.replica import Frame, Replica

from app.services.bootstrap import Services
from app.services.sync import catch_up, state_delta
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.factories import Workspace
from app.tests.support.replay import head
from app.tests.support.streams import Stream, answered, copy_of, fetched, shorten, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["shortened", "too many"])
async def away(
    request: pytest.FixtureRequest, services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Make it so that what came between is not told event by event."""

    async def forget() -> None:
        services.sync._hubs.clear()
        if request.param == "shortened":
            await shorten(services, workspace)
        else:
            monkeypatch.setattr(catch_up, "MOST_EVENTS", 0)

    return forget


async def asked(client: Client, replica: Replica) -> Answer:
    return await client.get("/sync", params={"since": replica.cursor})


async def test_what_changed_came_went_and_moved(away: Any, workspace: Workspace) -> None:
    edited, moved, hidden = [await workspace.task() for _ in range(3)]
    for task in (edited, moved, hidden):
        await workspace.comment(task)
    label = await workspace.label()
    ok(await workspace.api.post("/projects", {"key": "OPEN", "name": "Open"}), 201)
    ok(await workspace.api.post("/projects", {"key": "HID", "name": "Hid", "visibility": "private"}), 201)
    clients = [workspace.api, workspace.member, await workspace.visitor("viewer")]
    clients[2] = clients[2].at(workspace.api.base)
    replicas = [await fetched(client) for client in clients]
    ok(await workspace.api.patch(f"/tasks/{edited['id']}", {"title": "Edited"}))
    ok(await workspace.api.post(f"/tasks/{moved['id']}/move", {"project_id": "OPEN"}))
    ok(await workspace.api.post(f"/tasks/{hidden['id']}/move", {"project_id": "HID"}))
    ok(await workspace.api.delete(f"/labels/{label['id']}"))
    created = await workspace.task("Created")
    await away()
    for client, replica in zip(clients, replicas, strict=True):
        frame = Frame.parse((await asked(client, replica)).content)
        replica.apply(frame)
        assert text_of(replica) == text_of(await fetched(client))
        assert created["id"] in replica.docs["task"]
        assert "HID" not in str(frame) or client is workspace.api


async def test_comments_come_with_their_task_only_to_who_may_read_them(
    away: Any, workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", {"key": "HID", "name": "Hid", "visibility": "private"}), 201)
    body = {"project_id": "HID", "title": "Moves"}
    task = ok(await workspace.api.post("/tasks", body), 201)
    await workspace.comment(task, "canary")
    reader = (await workspace.token(services, "member", "task:read")).at(workspace.api.base)
    replica = await fetched(reader)
    answered(await workspace.api.post(f"/tasks/{task['id']}/move", {"project_id": "FLUID"}))
    at_once = copy_of(replica)
    at_once.apply(Frame.parse((await asked(reader, at_once)).content))
    await away()
    for one, answer in ((replica, await asked(reader, replica)), (at_once, await asked(reader, at_once))):
        assert "canary" not in answer.text
        one.apply(Frame.parse(answer.content))
        assert task["id"] in one.docs["task"]
        assert "canary" not in text_of(one)


async def test_whom_a_guest_sees_is_told_anew(away: Any, workspace: Workspace, services: Services) -> None:
    """Who becomes a guest, too, goes out of sight of other guests."""
    guest = await workspace.guest(services, FLUID="viewer")
    replica = await fetched(guest)
    member = workspace.membership_ids["member"]
    assert member in replica.docs["membership"]
    ok(await workspace.api.patch(f"/memberships/{member}", {"role": "guest"}))
    await away()
    replica.apply(Frame.parse((await asked(guest, replica)).content))
    assert member not in replica.docs["membership"]
    assert text_of(replica) == text_of(await fetched(guest))


async def test_rights_that_changed_before_the_log_begins_mean_a_reset(
    workspace: Workspace, services: Services, app: FastAPI
) -> None:
    replica = await fetched(workspace.member)
    ok(await workspace.api.patch("/projects/FLUID", {"visibility": "private"}))
    await shorten(services, workspace)
    services.sync._hubs.clear()
    answer = await asked(workspace.member, replica)
    assert (answer.status_code, answer.json()["code"]) == (410, "sync_reset")
    async with Stream(app, workspace.member, replica, {}) as stream:
        assert (await stream.ended())[0] == "reset"


async def test_rights_that_changed_behind_it_do_not(workspace: Workspace, services: Services) -> None:
    await workspace.task()
    replica = await fetched(workspace.member)
    await workspace.task()
    await shorten(services, workspace)
    ok(await workspace.api.patch("/projects/FLUID", {"visibility": "private"}))
    services.sync._hubs.clear()
    replica.apply(Frame.parse((await asked(workspace.member, replica)).content))
    assert not replica.docs["task"]
    assert text_of(replica) == text_of(await fetched(workspace.member))


async def test_too_much_to_look_through_is_a_reset(
    workspace: Workspace, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = await fetched(workspace.api)
    monkeypatch.setattr(catch_up, "MOST_EVENTS", 1)
    monkeypatch.setattr(state_delta, "MOST_EVENTS", 2)
    for missed in (2, 3):
        while await head(services.database, workspace.id) < replica.number + missed:
            await workspace.task()
        services.sync._hubs.clear()
        assert (await asked(workspace.api, replica)).status_code == {2: 200, 3: 410}[missed]


async def test_too_much_to_tell_is_a_reset(
    away: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_delta, "MOST_DOCUMENTS", 2)
    replica = await fetched(workspace.api)
    for _ in range(3):
        await workspace.task()
    await away()
    assert (await asked(workspace.api, replica)).status_code == 410


async def test_a_stream_goes_on_from_before_the_log(away: Any, workspace: Workspace, app: FastAPI) -> None:
    replica = await fetched(workspace.api)
    await workspace.task()
    await away()
    async with Stream(app, workspace.api, replica, {}) as stream:
        first = await stream.frame()
        assert [op["kind"] for op in first.ops] == ["task"]
        told = await stream.told((await workspace.task())["version"])
        assert text_of(told) == text_of(await fetched(workspace.api))
