"""One socket for everything: frames as in the stream, commands as their routes take them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from app.core.security import token_hash
from app.models.tickets import Ticket
from app.services.bootstrap import Services
from app.services.sync import LIFE
from app.services.sync import feed as feeds
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.support.sockets import SocketClient
from app.tests.support.streams import SOON_SECONDS, fetched, text_of
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_frames_come_as_in_the_stream(workspace: Workspace, app: FastAPI) -> None:
    replica = await fetched(workspace.member)
    async with SocketClient(app, workspace.member, replica) as socket:
        await socket.told((await workspace.task())["version"])
        assert text_of(replica) == text_of(await fetched(workspace.member))


async def test_a_command_is_done_as_its_route_does_it(workspace: Workspace, app: FastAPI) -> None:
    async with SocketClient(app, workspace.api, await fetched(workspace.api)) as socket:
        body = {"project_id": "FLUID", "title": "Made over the socket"}
        made = await socket.ask("POST", "/tasks", body)
        assert made["status"] == 201
        task, seq = made["body"], int(made["headers"]["pastis-event"])
        replica = await socket.told(seq)
        assert replica.docs["task"][task["id"]] == task
        assert made["headers"]["location"].endswith(f"/tasks/{task['id']}")
        changed = await socket.ask(
            "PATCH", f"/tasks/{task['id']}", {"priority": "low"}, if_match=made["headers"]["etag"]
        )
        assert changed["body"]["priority"] == "low"
        stale = await socket.ask("PATCH", f"/tasks/{task['id']}", {"priority": "high"}, if_match='"1"')
        assert (stale["status"], stale["body"]["code"]) == (412, "precondition_failed")
        gone = await socket.ask("DELETE", f"/tasks/{new_id()}")
        assert (gone["status"], gone["body"]["code"]) == (404, "not_found")
    event = ok(await workspace.api.get(f"/events/{seq}"))
    assert (event["command"], event["actor"]["user_id"]) == ("task.create", workspace.users["owner"].id)


async def test_a_command_that_is_repeated_is_done_once(workspace: Workspace, app: FastAPI) -> None:
    id_ = new_id()
    body = {"project_id": "FLUID", "title": "Sent twice"}
    async with SocketClient(app, workspace.api) as socket:
        first = await socket.ask("POST", "/tasks", body, id=id_)
    async with SocketClient(app, workspace.api) as socket:
        again = await socket.ask("POST", "/tasks", body, id=id_)
    assert again["body"] == first["body"]
    assert again["headers"]["idempotency-replayed"] == "true"
    assert ok(await workspace.api.get("/tasks?count=true"))["total"] == 1


async def test_commands_stay_in_the_workspace_and_within_rights(workspace: Workspace, app: FastAPI) -> None:
    async with SocketClient(app, workspace.member) as socket:
        refusal = await socket.ask("POST", "/projects", {"key": "X", "name": "X"})
        assert (refusal["status"], refusal["body"]["code"]) == (403, "permission_denied")
        for path in ("/../../me", "/%2e%2e/%2e%2e/me", "//me"):
            assert (await socket.ask("DELETE", path))["status"] in (404, 405), path
    ok(await workspace.member.at("").get("/api/v1/me"))


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[]",
        '"x"',
        "{}",
        '{"type": "song"}',
        '{"type": "command"}',
        '{"a": 1, "a": 2}',
        "[" * 50 + "]" * 50,
    ],
)
async def test_what_makes_no_sense_is_refused_and_the_socket_stays(
    said: str, workspace: Workspace, app: FastAPI
) -> None:
    async with SocketClient(app, workspace.api) as socket:
        await socket.frame()
        socket.say(said)
        while (refusal := await socket.message())["type"] != "refusal":
            pass
        assert refusal["problem"]["code"] in ("malformed_json", "validation_failed")
        assert refusal["problem"]["status"] == 422
        body = {"project_id": "FLUID", "title": "It goes on"}
        assert (await socket.ask("POST", "/tasks", body))["status"] == 201


async def test_a_ticket_opens_one_socket(workspace: Workspace, app: FastAPI) -> None:
    made = await workspace.member.post("/sync/tickets")
    ticket = ok(made, 200)["ticket"]
    assert made.headers["cache-control"] == "no-store"
    nobody = workspace.member.as_(None)
    async with SocketClient(app, nobody, ticket=ticket) as socket:
        await socket.frame()
        made_task = await socket.ask("POST", "/tasks", {"project_id": "FLUID", "title": "With a ticket"})
        assert made_task["status"] == 201
    async with SocketClient(app, nobody, ticket=ticket) as socket:
        assert (await socket.refusal())["code"] == "invalid_token"
    event = ok(await workspace.api.get(f"/events/{made_task['headers']['pastis-event']}"))
    assert event["actor"]["user_id"] == workspace.users["member"].id


async def test_a_ticket_is_for_its_workspace(
    workspace: Workspace, other_workspace: Workspace, app: FastAPI
) -> None:
    ticket = ok(await workspace.member.post("/sync/tickets"), 200)["ticket"]
    async with SocketClient(app, other_workspace.member.as_(None), ticket=ticket) as socket:
        assert (await socket.refusal())["status"] in (401, 404)


async def test_a_ticket_lasts_half_a_minute_by_the_database_s_clock(
    workspace: Workspace, services: Services, app: FastAPI, clock: TestClock
) -> None:
    """Those of two processes may be minutes apart."""
    tickets, nobody = services.database.collection(Ticket), workspace.member.as_(None)
    for late in (timedelta(0), LIFE):
        ticket = ok(await workspace.member.post("/sync/tickets"), 200)["ticket"]
        kept = await tickets.find_one({"_id": token_hash(ticket)})
        assert kept is not None
        assert timedelta(seconds=20) < kept["expires_at"] - datetime.now(UTC) <= LIFE
        await tickets.update_one(
            {"_id": token_hash(ticket)}, {"$set": {"expires_at": kept["expires_at"] - late}}
        )
        clock.forward(seconds=120)
        async with SocketClient(app, nobody, ticket=ticket) as socket:
            if late:
                assert (await socket.refusal())["code"] == "invalid_token"
            else:
                await socket.frame()


async def test_a_ticket_falls_with_its_login(workspace: Workspace, services: Services, app: FastAPI) -> None:
    ticket = ok(await workspace.member.post("/sync/tickets"), 200)["ticket"]
    await services.sessions.end_all(workspace.users["member"].id)
    async with SocketClient(app, workspace.member.as_(None), ticket=ticket) as socket:
        assert (await socket.refusal())["code"] == "invalid_token"


async def test_who_may_not_come_in_is_told_why(workspace: Workspace, app: FastAPI) -> None:
    async with SocketClient(app, workspace.member.as_(None)) as socket:
        assert (await socket.refusal())["code"] == "authentication_required"
    async with SocketClient(app, workspace.member.as_("nonsense")) as socket:
        assert (await socket.refusal())["code"] == "invalid_token"
    async with SocketClient(app, workspace.stranger) as socket:
        assert (await socket.refusal())["code"] == "not_found"
    async with SocketClient(app, workspace.member, since="nonsense") as socket:
        assert (await socket.refusal())["code"] == "invalid_cursor"
    async with SocketClient(app, workspace.member, fields="nobody:x") as socket:
        assert (await socket.refusal())["code"] == "validation_failed"
    async with SocketClient(app, workspace.member, colour="red") as socket:
        assert (await socket.refusal())["code"] == "unknown_parameter"
    async with SocketClient(app, workspace.member, project=["FLUID", "FLUID"]) as socket:
        assert (await socket.refusal())["code"] == "repeated_parameter"
    ticket = ok(await workspace.member.post("/sync/tickets"), 200)["ticket"]
    async with SocketClient(app, workspace.member, ticket=ticket) as socket:
        assert (await socket.refusal())["code"] == "both_credentials"


async def test_cookies_open_no_socket(workspace: Workspace, app: FastAPI) -> None:
    """Any site's page could: browsers send them along, from wherever the page is."""
    socket = SocketClient(app, workspace.member.as_(None))
    socket._scope["headers"].append((b"cookie", f"pastis_access={workspace.member.token}".encode()))
    async with socket:
        assert (await socket.refusal())["code"] == "authentication_required"


async def test_a_socket_outlasts_the_access_token_and_ends_with_the_login(
    workspace: Workspace, services: Services, app: FastAPI, clock: TestClock
) -> None:
    async with SocketClient(app, workspace.member) as socket:
        await socket.frame()
        clock.forward(minutes=20)
        services.access._known.clear()  # it is believed for a second
        refused(await workspace.member.get("/tasks"), 401, "invalid_token")
        body = {"project_id": "FLUID", "title": "After the token"}
        assert (await socket.ask("POST", "/tasks", body))["status"] == 201
        await services.sessions.end_all(workspace.users["member"].id)
        while (said := await socket.message())["type"] == "frame":
            pass
        assert (said["type"], said["problem"]["code"]) == ("end", "invalid_token")
        assert await socket.event() == {"type": "websocket.close", "code": 1000}


async def test_a_cursor_that_leads_nowhere_is_told_inside(workspace: Workspace, app: FastAPI) -> None:
    replica = await fetched(workspace.api)
    replica.cursor = replica.cursor[:-1] + ("0" if replica.cursor[-1] != "0" else "1")
    async with SocketClient(app, workspace.api, replica) as socket:
        said = await socket.message()
        assert (said["type"], said["problem"]["code"]) == ("reset", "sync_reset")
        assert (await socket.event())["type"] == "websocket.close"


async def test_who_takes_nothing_is_let_go(
    workspace: Workspace, services: Services, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SLOW_SECONDS", 0.2)
    async with SocketClient(app, workspace.member) as socket:
        await socket.frame()
        socket.hold = asyncio.Event()
        await workspace.task()
        assert socket._task is not None
        await asyncio.wait_for(asyncio.shield(socket._task), SOON_SECONDS)
