"""What one may not see does not come."""

import asyncio
from typing import Any

from pastis_client import commands as do
from pastis_client.conformance.checks import check
from pastis_client.conformance.kit import (
    FailedError,
    Place,
    SkippedError,
    Stream,
    Viewer,
    expect,
    expect_that,
)

_WHILE_SECONDS = 1.5
_MINE = ("project", "status", "task", "comment")


@check()
async def private_project_is_hidden(at: Place) -> None:
    """Who loses a project is told to purge it and hears no more of it; who wins it gets it whole."""
    other = await _second(at)
    task = (await at.task("Hidden")).value
    await at.send(do.create_comment(task["id"], "Hidden too."))
    replica = await other.snapshot()
    expect_that(_of_project(at, replica) != [], "a project of the workspace to be seen", [])
    own = await at.replica()
    async with other.stream(replica) as stream, at.me.stream(own, **at.mine) as mine:
        await stream.until((await at.send(do.update_project(at.project["id"], visibility="private"))).number)
        try:
            await _until_gone(at, stream)
            await at.send(do.update_task(task["id"], title="Secret"))
            # Who sees it has been told of it when the other one is listened to.
            await mine.until((await at.task("Secret too")).number)
            await _hears_nothing(at, stream)
            expect(_of_project(at, await other.snapshot()), [], "what a fresh snapshot shows of it")
        finally:
            shown = await at.send(do.update_project(at.project["id"], visibility="workspace"))
        await stream.until(shown.number)
    fresh = await at.replica()
    for kind in _MINE:
        back = [doc for doc in fresh.of_kind(kind).values() if _is_of(at, kind, doc, fresh.docs)]
        for doc in back:
            expect(replica.get(kind, doc["id"]), doc, f"a {kind} that came back")


async def _second(at: Place) -> Viewer:
    body = {"type": "service", "display_name": "Conformance", "role": "member"}
    made = await at.me.ask("POST", "/memberships", json=body)
    if not made.is_success:
        raise SkippedError(f"no second member can be made: {made.status_code} {made.text[:80]}")
    membership = f"/memberships/{made.json()['id']}"
    at.cleaning.append(lambda: at.me.ask("DELETE", membership))
    token = await at.me.ask("POST", f"{membership}/tokens", json={"name": "Conformance", "scopes": ["*:*"]})
    if not token.is_success:
        raise SkippedError(f"no token for a second member can be made: {token.status_code} {token.text[:80]}")
    secret = token.json()["token"]

    async def bearer() -> str:
        return str(secret)

    return Viewer(at.me.http, bearer, at.me.path)


async def _until_gone(at: Place, stream: Stream) -> None:
    async with asyncio.timeout(10):
        while _of_project(at, stream.replica):
            await stream.frame()


async def _hears_nothing(at: Place, stream: Stream) -> None:
    """For a while."""
    before = len(stream.frames)
    try:
        async with asyncio.timeout(_WHILE_SECONDS):
            while True:
                await stream.frame(2 * _WHILE_SECONDS)
    except TimeoutError:
        pass
    for op in (op for frame in stream.frames[before:] for op in frame.ops):
        if at.project["id"] in repr(op) or op["kind"] in ("task", "comment"):
            raise FailedError(f"expected nothing of a hidden project, came {op!r}"[:300])


def _of_project(at: Place, replica: Any) -> list[str]:
    kinds = ("project", "status", "task")
    return [id_ for kind in kinds for id_, doc in replica.of_kind(kind).items() if _is_of(at, kind, doc, {})]


def _is_of(at: Place, kind: str, doc: Any, docs: Any) -> bool:
    if kind == "project":
        return bool(doc["id"] == at.project["id"])
    if kind == "comment":
        return doc["task_id"] in docs.get("task", {})
    return bool(doc["project_id"] == at.project["id"])
