"""Frames hold what one may see now: what changes that is told within a second, by purges and documents."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI

from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.streams import Stream, answered, copy_of, fetched, following, page, text_of

pytestmark = pytest.mark.anyio

CANARY = "Operation Canary"
WITHIN_SECONDS = 1.5
"""A second, and what a slow machine takes beside."""


async def hide(workspace: Workspace) -> None:
    ok(await workspace.api.patch("/projects/FLUID", {"visibility": "private"}))


async def private_project(workspace: Workspace, key: str = "HID") -> str:
    project = {"key": key, "name": CANARY, "visibility": "private"}
    return str(ok(await workspace.api.post("/projects", project), 201)["id"])


async def secret_task(workspace: Workspace) -> str:
    task_id = str(ok(await workspace.api.post("/tasks", {"project_id": "HID", "title": CANARY}), 201)["id"])
    ok(await workspace.api.post(f"/tasks/{task_id}/comments", {"body": CANARY}), 201)
    return task_id


async def same(stream: Stream, client: Client) -> None:
    """What was told is what is there anew, and what is told to who asks."""
    assert stream.replica is not None
    asked = copy_of(stream.replica)
    asked.apply(await page(client, asked))
    assert text_of(stream.replica) == text_of(asked) == text_of(await fetched(client))


async def test_a_grant_brings_what_it_opens_and_its_end_takes_it_away(
    workspace: Workspace, services: Services, app: FastAPI
) -> None:
    await private_project(workspace)
    task_id = await secret_task(workspace)
    async with following(app, workspace.member) as (stream,):
        assert stream.replica is not None
        holder = {"membership_id": workspace.membership_ids["member"]}
        given = await workspace.grant("viewer", "HID", **holder)
        async with asyncio.timeout(WITHIN_SECONDS):
            await stream.told(answered(given))
        assert stream.replica.docs["task"][task_id]["title"] == CANARY
        assert [one["body"] for one in stream.replica.docs["comment"].values()] == [CANARY]
        await same(stream, workspace.member)
        taken = await workspace.api.delete(f"/projects/HID/grants/{given.json()['id']}")
        async with asyncio.timeout(WITHIN_SECONDS):
            await stream.told(answered(taken))
        assert CANARY not in text_of(stream.replica)
        await same(stream, workspace.member)
        seen = len(stream.body)
        await secret_task(workspace)
        await stream.told((await workspace.task())["version"])
        assert CANARY.encode() not in stream.body[seen:]


async def test_a_team_brings_what_it_may_see(workspace: Workspace, app: FastAPI) -> None:
    await private_project(workspace)
    task_id = await secret_task(workspace)
    team = await workspace.team("Design", "admin")
    ok(await workspace.grant("commenter", "HID", team_id=team["id"]), 201)
    async with following(app, workspace.member) as (stream,):
        assert stream.replica is not None
        members = {"member_ids": list(workspace.membership_ids.values())}
        await stream.told(answered(await workspace.api.patch(f"/teams/{team['id']}", members)))
        assert task_id in stream.replica.docs["task"]
        await same(stream, workspace.member)
        nobody: dict[str, list[str]] = {"member_ids": []}
        await stream.told(answered(await workspace.api.patch(f"/teams/{team['id']}", nobody)))
        assert task_id not in stream.replica.docs["task"]
        await same(stream, workspace.member)


async def test_another_role_shows_other_things(workspace: Workspace, app: FastAPI) -> None:
    await private_project(workspace)
    await secret_task(workspace)
    async with following(app, workspace.member) as (stream,):
        assert stream.replica is not None
        path = f"/memberships/{workspace.membership_ids['member']}"
        for role in ("admin", "guest", "member"):
            await stream.told(answered(await workspace.api.patch(path, {"role": role})))
            assert (CANARY in text_of(stream.replica)) is (role == "admin")
            await same(stream, workspace.member)


async def test_a_task_that_moves_goes_and_comes(workspace: Workspace, app: FastAPI) -> None:
    hidden = await private_project(workspace)
    task = await workspace.task(CANARY)
    await workspace.comment(task)
    async with following(app, workspace.member, workspace.api) as (stream, owners):
        assert stream.replica is not None
        moved = await workspace.api.post(f"/tasks/{task['id']}/move", {"project_id": "HID"})
        frame = await stream.frame()
        assert [op["verb"] for op in frame.ops] == ["purge"]
        assert hidden not in str(frame), "not where to"
        assert (stream.replica.docs["task"], stream.replica.docs["comment"]) == ({}, {})
        await same(stream, workspace.member)
        await workspace.api.patch(f"/tasks/{task['id']}", {"title": f"{CANARY} again"})
        await workspace.api.post(f"/tasks/{task['id']}/move", {"project_id": "FLUID"})
        await stream.frame()
        assert stream.replica.docs["task"][task["id"]]["title"] == f"{CANARY} again"
        assert len(stream.replica.docs["comment"]) == 1
        await same(stream, workspace.member)
        verbs = {op["verb"] for op in (await owners.frame()).ops}
        assert verbs == {"update"}, "who sees both sees it move"
        await owners.told(answered(moved))


async def test_what_went_and_came_back_while_one_was_away(workspace: Workspace) -> None:
    await private_project(workspace)
    task = await workspace.task()
    replica = await fetched(workspace.member)
    for key in ("HID", "FLUID"):
        ok(await workspace.api.post(f"/tasks/{task['id']}/move", {"project_id": key}))
        await workspace.comment(task, f"When in {key}")
    replica.apply(await page(workspace.member, replica))
    assert text_of(replica) == text_of(await fetched(workspace.member))
    assert len(replica.docs["comment"]) == 2


async def test_a_project_that_is_hidden_and_shown(workspace: Workspace, app: FastAPI) -> None:
    await workspace.comment(await workspace.task(CANARY))
    async with following(app, workspace.member) as (stream,):
        assert stream.replica is not None
        for visibility in ("private", "workspace"):
            changed = await workspace.api.patch("/projects/FLUID", {"visibility": visibility})
            await stream.told(answered(changed))
            assert (CANARY in text_of(stream.replica)) is (visibility == "workspace")
            await same(stream, workspace.member)


async def test_guests_are_told_of_people_as_they_come_into_their_projects(
    workspace: Workspace, services: Services, app: FastAPI
) -> None:
    await hide(workspace)
    guest = await workspace.guest(services, FLUID="viewer")
    async with following(app, guest) as (stream,):
        assert stream.replica is not None
        member = workspace.membership_ids["member"]
        assert member not in stream.replica.docs["membership"]
        given = await workspace.grant("viewer", membership_id=member)
        await stream.told(answered(given))
        assert member in stream.replica.docs["membership"]
        await same(stream, guest)
        taken = await workspace.api.delete(f"/projects/FLUID/grants/{given.json()['id']}")
        await stream.told(answered(taken))
        assert member not in stream.replica.docs["membership"]
        await same(stream, guest)


async def test_guests_are_not_told_of_who_becomes_one(
    workspace: Workspace, services: Services, app: FastAPI
) -> None:
    """In a project that is open to all, a guest sees members, and of the guests those who are in it."""
    guest = await workspace.guest(services, FLUID="viewer")
    member = workspace.membership_ids["member"]
    async with following(app, guest) as (stream,):
        assert stream.replica is not None
        for role in ("guest", "member"):
            changed = await workspace.api.patch(f"/memberships/{member}", {"role": role})
            await stream.told(answered(changed))
            assert (member in stream.replica.docs["membership"]) is (role == "member")
            await same(stream, guest)


async def test_visitors_are_told_names_and_no_accounts(workspace: Workspace, app: FastAPI) -> None:
    visitor = (await workspace.visitor("viewer")).at(workspace.api.base)
    async with following(app, visitor) as (stream,):
        assert stream.replica is not None
        path = f"/memberships/{workspace.membership_ids['admin']}"
        await stream.told(answered(await workspace.api.patch(path, {"display_name": "Colin C."})))
        await stream.told(answered(await workspace.api.patch(path, {"role": "owner"})))
        people = stream.replica.docs["membership"].values()
        assert "Colin C." in {one["display_name"] for one in people}
        assert {one["user_id"] for one in people} == {one["role"] for one in people} == {None}
        for user in workspace.users.values():
            assert user.id.encode() not in stream.body
        await same(stream, visitor)


Ending = Callable[[Workspace, Services, TestClock], Awaitable[object]]
ENDINGS: dict[str, tuple[Ending, str]] = {
    "membership": (
        lambda w, _s, _c: w.api.delete(f"/memberships/{w.membership_ids['member']}"),
        "not_found",
    ),
    "leaving": (
        lambda w, _s, _c: w.member.delete(f"/memberships/{w.membership_ids['member']}"),
        "not_found",
    ),
    "account deleted": (lambda w, _s, _c: w.member.at("/api/v1").delete("/me"), "invalid_token"),
    "log out": (lambda w, _s, _c: w.member.at("/api/v1").post("/auth/logout"), "invalid_token"),
    "log out everywhere": (
        lambda w, s, _c: s.sessions.end_all(w.users["member"].id),
        "invalid_token",
    ),
    "account at rest": (
        lambda w, _s, _c: w.member.at("/api/v1").post("/me/deactivate"),
        "invalid_token",
    ),
    "second factor": (
        lambda w, s, _c: demand_second_factor(w, s),
        "second_factor_required",
    ),
    "expiry": (lambda _w, _s, c: turned(c), "invalid_token"),
}


async def turned(clock: TestClock) -> None:
    clock.forward(hours=13)


async def demand_second_factor(workspace: Workspace, services: Services) -> None:
    owner = workspace.users["owner"].id
    for session in await services.database.raw("sessions").find({"user_id": owner}).to_list():
        await services.sessions.strengthen(session["_id"], ["mfa"])
    ok(await workspace.api.at(workspace.api.base).patch("", {"requires_second_factor": True}))


@pytest.mark.parametrize("ending", ENDINGS)
async def test_nobody_stays_in(
    ending: str, workspace: Workspace, services: Services, app: FastAPI, other_app: FastAPI, clock: TestClock
) -> None:
    """In the process that ended it, and in another."""
    end, code = ENDINGS[ending]
    async with (
        following(app, workspace.member) as (here,),
        following(other_app, workspace.member) as (there,),
    ):
        await asyncio.sleep(0.1)  # until it has been looked at whether the login still lasts
        answer = await end(workspace, services, clock)
        assert getattr(answer, "is_success", True), answer
        async with asyncio.timeout(WITHIN_SECONDS):
            for stream in (here, there):
                type_, problem = await stream.ended()
                assert (type_, problem["code"]) == ("end", code)


async def test_a_link_that_ends_takes_its_visitors_along(
    workspace: Workspace, app: FastAPI, other_app: FastAPI, clock: TestClock, services: Services
) -> None:
    soon = (services.clock.now() + timedelta(minutes=5)).isoformat()
    first = (await workspace.visitor("viewer", expires_at=soon)).at(workspace.api.base)
    second = (await workspace.visitor("viewer")).at(workspace.api.base)
    async with following(app, first, second) as (ending, staying):
        clock.forward(minutes=10)
        async with asyncio.timeout(WITHIN_SECONDS):
            assert (await ending.ended())[1]["code"] == "invalid_token"
        await staying.told((await workspace.task())["version"])
        links = ok(await workspace.api.get("/projects/FLUID/links"))["items"]
        for link in links:
            ok(await workspace.api.delete(f"/projects/FLUID/links/{link['id']}"))
        async with asyncio.timeout(WITHIN_SECONDS):
            assert (await staying.ended())[1]["code"] == "invalid_token"


async def test_a_token_that_is_taken_back(workspace: Workspace, services: Services, app: FastAPI) -> None:
    robot = (await workspace.service(services)).at(workspace.api.base)
    async with following(app, robot) as (stream,):
        people = ok(await workspace.api.get("/memberships"))["items"]
        build = next(one["id"] for one in people if one["type"] == "service")
        (token,) = ok(await workspace.api.get(f"/memberships/{build}/tokens"))["items"]
        ok(await workspace.api.delete(f"/memberships/{build}/tokens/{token['id']}"))
        async with asyncio.timeout(WITHIN_SECONDS):
            assert (await stream.ended())[1]["code"] == "invalid_token"
