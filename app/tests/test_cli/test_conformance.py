"""`pastis conformance`: passes against Pastis, and finds what is wrong with servers that are not."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from pastis_client import Client
from pastis_client.conformance import CHECKS, run

from app.tests.support.factories import PASSWORD, Workspace
from app.tests.support.programs import end_of, running
from app.tests.support.serving import served
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_pastis_passes(url: str, workspace: Workspace) -> None:
    variables = {"PASTIS_TOKEN": workspace.api.token}
    command = ("conformance", url, "--workspace", workspace.slug)
    async with running(*command, variables=variables) as process:
        code, out, err = await end_of(process)
    lines = out.splitlines()
    assert [line for line in lines if line.startswith("failed")] == []
    assert (code, err) == (0, "")
    fast = [one.name for one in CHECKS if not one.slow]
    assert [line.split()[:2] for line in lines[:-1]] == [["ok", name] for name in fast]
    assert lines[-1] == f"{len(fast)} checks: none failed."


@dataclass
class Faulty:
    """Pastis, but for one thing that is done to what comes and goes."""

    app: Any
    request: Callable[[dict[str, Any]], None] = lambda _: None
    """Changes the scope of a request."""
    begin: Callable[[dict[str, Any], dict[str, Any]], None] = lambda _scope, _message: None
    """Changes the beginning of an answer."""
    lines: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] | None = None
    """Changes the lines of a snapshot."""
    frames: "Callable[[Faulty, dict[str, Any], dict[str, Any]], list[dict[str, Any]]] | None" = None
    """What comes in the place of a frame, by the scope."""
    said: Callable[[dict[str, Any]], dict[str, Any]] = lambda message: message
    """Changes what comes over a socket."""
    memory: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        scope = {**scope, "headers": list(scope["headers"])}
        self.request(scope)
        if self.lines is not None:
            without("accept-encoding", "/snapshot")(scope)
        kept: dict[str, Any] = {"body": b"", "start": None}

        async def changed(message: dict[str, Any]) -> None:
            for one in self._changed(scope, kept, message):
                await send(one)

        async def heard() -> dict[str, Any]:
            return self.said(await receive())

        # A stream empties the scope that it is given.
        await self.app({**scope}, heard if scope["type"] == "websocket" else receive, changed)

    def _changed(
        self, scope: dict[str, Any], kept: dict[str, Any], message: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if message["type"] == "http.response.start":
            self.begin(scope, message)
            names = {b"content-length", b"content-encoding"} if self._rewritten(scope) else set()
            headers = [pair for pair in message["headers"] if pair[0] not in names]
            kept["events"] = (b"content-type", b"text/event-stream; charset=utf-8") in headers or any(
                value.startswith(b"text/event-stream") for _, value in headers
            )
            return [{**message, "headers": headers}]
        if message["type"] == "websocket.send" and self.frames is not None:
            said = json.loads(message["text"])
            told = self.frames(self, scope, said) if said["type"] == "frame" else [said]
            return [{**message, "text": json.dumps(one)} for one in told]
        if message["type"] != "http.response.body" or not self._rewritten(scope):
            return [message]
        return self._body(scope, kept, message)

    def _rewritten(self, scope: dict[str, Any]) -> bool:
        path = scope["path"]
        return (self.lines is not None and path.endswith("/sync/snapshot")) or (
            self.frames is not None and path.endswith("/sync")
        )

    def _body(
        self, scope: dict[str, Any], kept: dict[str, Any], message: dict[str, Any]
    ) -> list[dict[str, Any]]:
        kept["body"] += message.get("body", b"")
        if kept["events"]:
            *whole, kept["body"] = kept["body"].split(b"\n\n")
            body = b"".join(self._event(scope, one) for one in whole)
            return [{**message, "body": body}]
        if message.get("more_body"):
            return []
        if self.lines is not None:
            lines = self.lines([json.loads(line) for line in kept["body"].splitlines()])
            body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        else:
            body = self._page(scope, json.loads(kept["body"]))
        return [{**message, "body": body}]

    def _page(self, scope: dict[str, Any], told: dict[str, Any]) -> bytes:
        assert self.frames is not None
        frames = self.frames(self, scope, told) if "ops" in told else [told]
        return json.dumps((frames or [told])[0]).encode()

    def _event(self, scope: dict[str, Any], text: bytes) -> bytes:
        assert self.frames is not None
        head, found, data = text.partition(b"data: ")
        if not found or b"event:" in head or b'"ops"' not in data:
            return text + b"\n\n"
        frames = self.frames(self, scope, json.loads(data))
        return b"".join(head + b"data: " + json.dumps(one).encode() + b"\n\n" for one in frames)


Frame = dict[str, Any]
Scope = dict[str, Any]


def is_live(scope: Scope) -> bool:
    return scope["type"] == "websocket" or (b"accept", b"text/event-stream") in scope["headers"]


def lost(server: Faulty, scope: Scope, frame: Frame) -> list[Frame]:
    """Of those with something in them, the second one."""
    if not frame["ops"] or not is_live(scope):
        return [frame]
    server.memory["seen"] = server.memory.get("seen", 0) + 1
    return [] if server.memory["seen"] == 2 else [frame]


def doubled(_server: Faulty, scope: Scope, frame: Frame) -> list[Frame]:
    return [frame, frame] if frame["ops"] and is_live(scope) else [frame]


def moved(_server: Faulty, scope: Scope, frame: Frame) -> list[Frame]:
    return [{**frame, "from": max(0, frame["from"] - 1)}]


def leaking(server: Faulty, scope: Scope, frame: Frame) -> list[Frame]:
    """What people are told of tasks, services are too."""
    if b"pastis_" not in dict(scope["headers"])[b"authorization"]:
        tasks = [op for op in frame["ops"] if op["kind"] == "task"]
        server.memory["ops"] = tasks or server.memory.get("ops", [])
        return [frame]
    if any(op["verb"] == "purge" for op in frame["ops"]):
        return [frame]
    return [{**frame, "ops": frame["ops"] + server.memory.get("ops", [])}]


def ops_changed(change: Callable[[list[Any]], list[Any]]) -> Any:
    return lambda _server, _scope, frame: [{**frame, "ops": change(frame["ops"])}]


def too_much(ops: list[Any]) -> list[Any]:
    """Updates tell what did not change."""
    return [{**op, "set": {**op["set"], "type": "task"}} if op["verb"] == "update" else op for op in ops]


def without_updates(ops: list[Any]) -> list[Any]:
    return [op for op in ops if op["verb"] != "update"]


def without_versions(ops: list[Any]) -> list[Any]:
    return [{name: value for name, value in op.items() if name != "version"} for op in ops]


def without(name: str, path: str = "") -> Callable[[Scope], None]:
    """A header, or a parameter, that is not looked at."""

    def request(scope: Scope) -> None:
        if not scope["path"].endswith(path):
            return
        scope["headers"] = [pair for pair in scope["headers"] if pair[0].decode() != name]
        parts = scope["query_string"].decode().split("&")
        scope["query_string"] = "&".join(one for one in parts if not one.startswith(f"{name}=")).encode()

    return request


def waits_longer(scope: Scope) -> None:
    scope["query_string"] = scope["query_string"].replace(b"wait=1&", b"wait=8&")


def status(wrong: int, came: int) -> Any:
    def begin(scope: Scope, message: Any) -> None:
        if scope["path"].endswith("/sync") and message["status"] == came:
            message["status"] = wrong

    return begin


def event_after(_scope: Scope, message: Any) -> None:
    """Pastis-Event tells the number before."""
    message["headers"] = [
        (name, str(int(value) - 1).encode() if name == b"pastis-event" else value)
        for name, value in message["headers"]
    ]


def logged_in_for(workspace: Workspace) -> Callable[[Scope], None]:
    """Who shows nothing is let in."""

    def request(scope: Scope) -> None:
        if "/sync" in scope["path"] and b"authorization" not in dict(scope["headers"]):
            scope["headers"].append((b"authorization", f"Bearer {workspace.api.token}".encode()))

    return request


def forgetful_of_commands(message: dict[str, Any]) -> dict[str, Any]:
    """Each command is another one."""
    said = json.loads(message.get("text", "{}"))
    if "id" not in said:
        return message
    return {**message, "text": json.dumps({**said, "id": new_id()})}


def impatient(message: dict[str, Any]) -> dict[str, Any]:
    """Nonsense ends the socket."""
    if message.get("text") == "{":
        return {"type": "websocket.disconnect", "code": 1003}
    return message


def forgetful_of_tickets(workspace: Workspace) -> Callable[[Scope], None]:
    def request(scope: Scope) -> None:
        if scope["type"] == "websocket" and b"ticket=" in scope["query_string"]:
            without("ticket")(scope)
            scope["headers"].append((b"authorization", f"Bearer {workspace.api.token}".encode()))

    return request


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("snapshot-form", {"lines": lambda lines: lines[:-1]}),
    ("snapshot-form", {"lines": lambda lines: [*lines[:-2], lines[-1]]}),
    ("snapshot-form", {"lines": lambda lines: [lines[0], *lines[-2:0:-1], lines[-1]]}),
    ("snapshot-gzip", {"request": without("accept-encoding", "/snapshot")}),
    ("cursor-leads-on", {"frames": moved}),
    ("frame-form", {"frames": ops_changed(without_versions)}),
    ("updates-hold-changed-fields", {"frames": ops_changed(too_much)}),
    ("last-event-id-counts-more", {"request": without("last-event-id")}),
    ("long-poll-waits", {"request": without("wait")}),
    ("long-poll-waits", {"request": waits_longer}),
    ("long-poll-wakes", {"request": without("wait")}),
    ("unknown-cursor", {"begin": status(410, 422)}),
    ("foreign-epoch", {"begin": status(422, 410)}),
    ("selection-is-part-of-the-cursor", {"begin": status(200, 410)}),
    ("project-narrows", {"request": without("project")}),
    ("fields-narrow", {"request": without("fields")}),
    ("nothing-is-missed", {"frames": lost}),
    ("nothing-is-missed", {"frames": doubled}),
    ("nothing-is-missed", {"frames": moved}),
    ("stream-resumes", {"request": without("since")}),
    ("event-number-is-that-of-the-frame", {"begin": event_after}),
    ("same-key-once", {"request": without("idempotency-key")}),
    ("replay-law", {"frames": ops_changed(without_updates)}),
    ("private-project-is-hidden", {"frames": leaking}),
    ("socket-tells-the-frames-of-the-stream", {"frames": lost}),
    ("socket-does-a-repeated-command-once", {"said": forgetful_of_commands}),
    ("socket-refuses-nonsense-and-stays", {"said": impatient}),
    ("socket-answers-commands", {"frames": ops_changed(lambda _: [])}),
]


async def verdict(app: Any, workspace: Workspace, check: str) -> tuple[str, str]:
    """Who is logged in just now may make the second member's token."""
    async with served(app) as url, Client(url, patience=1) as client:
        await client.login(workspace.users["owner"].email, PASSWORD)
        (result,) = await run(client, url, workspace.slug, only={check})
    return result.verdict, result.detail


@pytest.mark.parametrize(("check", "fault"), FAULTS)
async def test_a_fault_is_found(
    app: FastAPI, workspace: Workspace, check: str, fault: dict[str, Any]
) -> None:
    found, detail = await verdict(Faulty(app, **fault), workspace, check)
    assert found == "failed", detail
    assert "expected" in detail or "cut" in detail or check.startswith("socket"), detail


async def test_a_server_without_locks_is_found(app: FastAPI, workspace: Workspace) -> None:
    found, detail = await verdict(Faulty(app, logged_in_for(workspace)), workspace, "nobody-is-shown-nothing")
    assert (found, detail) == ("failed", "/sync without a credential: expected 401, came 200")


async def test_a_ticket_that_is_good_twice_is_found(app: FastAPI, workspace: Workspace) -> None:
    faulty = Faulty(app, forgetful_of_tickets(workspace))
    found, detail = await verdict(faulty, workspace, "ticket-is-good-once")
    assert (found, "to be refused" in detail) == ("failed", True)


async def test_without_a_fault_the_middle_changes_nothing(app: FastAPI, workspace: Workspace) -> None:
    server = Faulty(app, lines=lambda lines: lines, frames=ops_changed(lambda ops: ops))
    async with served(server) as url, Client(url) as client:
        await client.login(workspace.users["owner"].email, PASSWORD)
        results = await run(client, url, workspace.slug)
    assert {one.check.name: one.detail for one in results if one.verdict != "ok"} == {
        "snapshot-gzip": "gzip where gzip is accepted: expected true, came false"
    }


async def test_it_leaves_nothing_open(url: str, workspace: Workspace) -> None:
    async with Client(url, token=workspace.api.token) as client:
        await run(client, url, workspace.slug, only={"private-project-is-hidden", "project-narrows"})
        calls = client.workspace(workspace.slug).calls
        made = [one async for one in calls.projects() if one["key"] != "FLUID"]
        assert len([one for one in made if one["archived_at"] is None]) == 0
        people = [one async for one in calls.memberships() if one["display_name"] == "Conformance"]
        assert [one for one in people if one["removed_at"] is None] == []


async def test_unknown_checks_are_named() -> None:
    async with running("conformance", "http://127.0.0.1:1", "--workspace", "x", "--check", "y") as process:
        code, _, err = await end_of(process)
    assert code == 1
    assert "There is no check y" in err
    assert all(one.name in err for one in CHECKS)
