"""Who is here, on which task, in which field: for those who may know, and only while it is so."""

import asyncio

import pytest
from fastapi import FastAPI

from app.services.bootstrap import Services
from app.services.sync import people as exchange
from app.services.sync import presence
from app.tests.support.clients import ok
from app.tests.support.factories import Workspace
from app.tests.support.sockets import SocketClient

pytestmark = pytest.mark.anyio

WITHIN_SECONDS = 3.0


async def test_people_see_each_other_come_move_and_go(workspace: Workspace, app: FastAPI) -> None:
    task = await workspace.task()
    owner, member = (workspace.membership_ids[role] for role in ("owner", "member"))
    async with SocketClient(app, workspace.api) as first, asyncio.timeout(WITHIN_SECONDS):
        await first.until(owner)
        async with SocketClient(app, workspace.member) as second:
            await second.until(owner, member)
            await first.until(owner, member)
            second.say({"type": "presence", "task_id": task["id"], "field": "title", "typing": True})
            await first.until(owner, member, task_id=task["id"], field="title", typing=True)
            second.say({"type": "presence", "task_id": task["id"], "field": "title"})
            await first.until(owner, member, task_id=task["id"], typing=False)
            second.say({"type": "presence"})
            while first.people[second.connection_id]["task_id"] is not None:
                await first.message()
        await first.until(owner)


async def test_one_is_told_of_twice_who_is_here_twice(workspace: Workspace, app: FastAPI) -> None:
    member = workspace.membership_ids["member"]
    async with SocketClient(app, workspace.member) as first, SocketClient(app, workspace.member) as second:
        await first.until(member, member)
        await second.until(member, member)
        assert first.people.keys() == {first.connection_id, second.connection_id}


async def test_nobody_learns_of_what_they_may_not_see(
    workspace: Workspace, services: Services, app: FastAPI
) -> None:
    project = {"key": "HID", "name": "Hidden", "visibility": "private"}
    ok(await workspace.api.post("/projects", project), 201)
    hidden = ok(await workspace.api.post("/tasks", {"project_id": "HID", "title": "Hidden"}), 201)
    guest = await workspace.guest(services)
    owner, member = (workspace.membership_ids[role] for role in ("owner", "member"))
    async with (
        SocketClient(app, workspace.api) as owners,
        SocketClient(app, workspace.member) as members,
        SocketClient(app, guest) as guests,
    ):
        for socket in (owners, members, guests):
            await socket.frame()
        owners.say({"type": "presence", "task_id": hidden["id"], "field": "title", "typing": True})
        async with asyncio.timeout(WITHIN_SECONDS):
            while len(members.people) < 3 or len(guests.people) < 1:
                await (members if len(members.people) < 3 else guests).message()
        told = members.people[owners.connection_id]
        assert (told["membership_id"], told["task_id"], told["field"], told["typing"]) == (
            *(owner, None, None),
            False,
        )
        assert guests.people.keys() == {guests.connection_id}, "a guest knows nobody here"
        members.say({"type": "presence", "task_id": hidden["id"], "field": "title"})
        await asyncio.sleep(0.5)
        ok(await workspace.api.post(f"/tasks/{hidden['id']}/move", {"project_id": "FLUID"}))
        async with asyncio.timeout(WITHIN_SECONDS):
            await members.until(
                owner, member, guests.people[guests.connection_id]["membership_id"], task_id=hidden["id"]
            )
        assert members.people[members.connection_id]["task_id"] is None, "who could not see it was not there"


async def test_other_processes_are_told(workspace: Workspace, app: FastAPI, other_app: FastAPI) -> None:
    task = await workspace.task()
    owner, member = (workspace.membership_ids[role] for role in ("owner", "member"))
    async with SocketClient(app, workspace.api) as here, asyncio.timeout(WITHIN_SECONDS):
        async with SocketClient(other_app, workspace.member) as there:
            await here.until(owner, member)
            await there.until(owner, member)
            there.say({"type": "presence", "task_id": task["id"]})
            await here.until(owner, member, task_id=task["id"])
        await here.until(owner)


async def test_a_process_that_ended_without_a_word_takes_its_people_along(
    workspace: Workspace, app: FastAPI, other_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, member = (workspace.membership_ids[role] for role in ("owner", "member"))
    async with SocketClient(app, workspace.api) as here, SocketClient(other_app, workspace.member):
        async with asyncio.timeout(WITHIN_SECONDS):
            await here.until(owner, member)
        monkeypatch.setattr(presence, "GONE_SECONDS", 1.0)
        monkeypatch.setattr(exchange, "REFRESH_SECONDS", 3600.0)  # neither says anything any more
        async with asyncio.timeout(WITHIN_SECONDS):
            await here.until(owner)
