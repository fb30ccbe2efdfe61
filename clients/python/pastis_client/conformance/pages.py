"""Snapshots, frames asked for one by one, and cursors."""

import asyncio
import gzip
import json
import re
import time
from typing import Any

from pastis_client import commands as do
from pastis_client.conformance.checks import check
from pastis_client.conformance.kit import (
    SOON_SECONDS,
    FailedError,
    Place,
    SkippedError,
    expect,
    expect_that,
    follow,
    problem_code,
)
from pastis_client.ids import new_id
from pastis_client.replica import Replica

KINDS = (
    *("workspace", "role", "membership", "invitation", "team", "label"),
    *("project", "grant", "link", "status", "task", "comment"),
)
VERBS = ("create", "update", "delete", "purge")
_NAMED = {"project_id": "project", "task_id": "task", "status_id": "status", "label_ids": "label"}


@check()
async def snapshot_form(at: Place) -> None:
    """A snapshot has its cursor first, every kind after those that it names, and its count last."""
    task = await at.task()
    await at.send(do.create_comment(task.value["id"], "Checked."))
    head, *docs, last = await at.me.lines()
    expect(sorted(map(type, (head.get("epoch"), head.get("seq"), head.get("cursor"))), key=repr),
           sorted((str, int, str), key=repr), "first line with epoch, seq, cursor")  # fmt: skip
    expect(last, {"end": True, "docs": len(docs)}, "last line")
    seen: dict[str, set[str]] = {}
    every = {line["doc"]["id"] for line in docs}
    for line in docs:
        expect_that(line["kind"] in KINDS, "a known kind", line["kind"])
        doc = line["doc"]
        expect_that(isinstance(doc.get("version"), int), "a document with its version", doc)
        for name, kind in _NAMED.items():
            _known(doc, name, seen.get(kind, set()), every)
        seen.setdefault(line["kind"], set()).add(doc["id"])
    expect_that(task.value["id"] in seen.get("task", ()), "a task that was just made", sorted(seen))


def _known(doc: dict[str, Any], name: str, seen: set[str], every: set[str]) -> None:
    named = doc.get(name) or ()
    for id_ in [named] if isinstance(named, str) else named:
        expect_that(id_ in seen or id_ not in every, f"what {name} names before the document", doc)


@check()
async def snapshot_gzip(at: Place) -> None:
    """A snapshot is compressed for who accepts gzip, and only then."""
    texts = []
    for accepted in ("gzip", "identity"):
        bearer = await at.me.bearer()
        headers = {"Authorization": f"Bearer {bearer}", "Accept-Encoding": accepted}
        async with at.me.http.stream("GET", f"{at.me.path}/sync/snapshot", headers=headers) as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])
            packed = answer.headers.get("content-encoding") == "gzip"
            expect(packed, accepted == "gzip", f"gzip where {accepted} is accepted")
            kind = answer.headers.get("content-type", "").partition(";")[0]
            expect(kind, "application/x-ndjson", "type of the snapshot")
            texts.append(gzip.decompress(raw) if packed else raw)
    for text in texts:
        expect(json.loads(text.strip().split(b"\n")[-1]).get("end"), True, "end of the snapshot")


@check()
async def cursor_leads_on(at: Place) -> None:
    """The cursor of a snapshot leads to what came after it, and the next one on from there."""
    replica = await at.replica()
    for title in ("First", "Second"):
        task = await at.task(title)
        follow(replica, await at.me.page(replica.cursor, **at.mine))
        expect(replica.get("task", task.value["id"]), task.value, "the task that was made")
    number = replica.number
    frame = await at.me.page(replica.cursor, **at.mine)
    expect((frame.since, list(frame.ops)), (number, []), "a frame where nothing has come")


@check()
async def frame_form(at: Place) -> None:
    """A frame has its epoch, from, to, cursor and operations; each has its verb, kind, id and version."""
    replica = await at.replica()
    task = (await at.task()).value
    comment = (await at.send(do.create_comment(task["id"], "Checked."))).value
    await at.send(do.update_task(task["id"], title="Changed"))
    await at.send(do.delete_comment(task["id"], comment["id"]))
    told = (await at.me.sync(since=replica.cursor, **at.mine)).json()
    wanted = {"epoch": str, "from": int, "to": int, "cursor": str, "ops": list}
    expect({name: type(told.get(name)).__name__ for name in wanted},
           {name: kind.__name__ for name, kind in wanted.items()}, "members of a frame")  # fmt: skip
    expect_that(told["from"] <= told["to"], "`from` not above `to`", told)
    expect_that(len(told["ops"]) > 0, "operations", told)
    for op in told["ops"]:
        expect_that(op.get("verb") in VERBS and op.get("kind") in KINDS, "a known verb and kind", op)
        if op["verb"] != "purge":
            whole = isinstance(op.get("id"), str) and isinstance(op.get("version"), int) and "by" in op
            expect_that(whole, "an id, a version and by", op)
            expect_that(op["version"] <= told["to"], "no version above `to`", op)
            expect_that(op["verb"] == "delete" or isinstance(op.get("set"), dict), "values in set", op)


@check()
async def updates_hold_changed_fields(at: Place) -> None:
    """An update holds the fields that changed, and no others."""
    task = (await at.task()).value
    replica = await at.replica()
    done = await at.send(do.update_task(task["id"], priority="urgent"))
    frame = await at.me.page(replica.cursor, **at.mine)
    (op,) = [op for op in frame.ops if op["kind"] == "task"] or [{}]
    expect(op.get("verb"), "update", "the operation of a change")
    expect(sorted(op["set"]), ["priority", "updated_at", "version"], "its fields")
    follow(replica, frame)
    expect(replica.get("task", task["id"]), done.value, "the task after the change")


@check()
async def last_event_id_counts_more(at: Place) -> None:
    """Last-Event-ID counts more than since."""
    replica = await at.replica()
    await at.task()
    later = await at.me.page(replica.cursor, **at.mine)
    answer = await at.me.sync({"Last-Event-ID": later.cursor}, since=replica.cursor, **at.mine)
    expect(answer.json().get("from"), later.to, "`from` of the frame")


@check()
async def long_poll_waits(at: Place) -> None:
    """With wait, an answer without anything new comes when the time is over, and not before."""
    replica = await at.replica()
    began = time.monotonic()
    frame = await at.me.page(replica.cursor, wait=1, **at.mine)
    took = time.monotonic() - began
    expect_that(frame.ops != () or took > 0.8, "an answer after 1 s", f"one after {took:.2f} s")
    expect_that(took < 1 + SOON_SECONDS, "an answer after 1 s", f"one after {took:.2f} s")


@check()
async def long_poll_wakes(at: Place) -> None:
    """With wait, the answer comes when something does."""
    replica = await at.replica()
    began = time.monotonic()
    waiting = asyncio.create_task(at.me.page(replica.cursor, wait=20, **at.mine))
    await asyncio.sleep(0.3)
    task = await at.task()
    frame = await waiting
    expect_that(time.monotonic() - began < SOON_SECONDS, "the answer at once", time.monotonic() - began)
    expect([op["id"] for op in frame.ops if op["kind"] == "task"], [task.value["id"]], "the task in it")


@check()
async def unknown_cursor(at: Place) -> None:
    """What was never a cursor is refused with 422 invalid_cursor."""
    expect(problem_code(await at.me.sync(since="nonsense")), (422, "invalid_cursor"), "the refusal")


@check()
async def foreign_epoch(at: Place) -> None:
    """A cursor of another epoch is refused with 410 sync_reset, and in the stream with `event: reset`."""
    replica = await at.replica()
    foreign = replica.cursor.replace(replica.epoch, new_id())
    if foreign == replica.cursor:
        raise SkippedError("the cursor does not show its epoch")
    await _reset(at, Replica(replica.epoch, replica.number, foreign), at.mine)


@check()
async def selection_is_part_of_the_cursor(at: Place) -> None:
    """A cursor is for what it was asked for with: with others the answer is a reset."""
    await _reset(at, await at.replica(), {})
    await _reset(at, await at.me.snapshot(), {"fields": "task:title"})


async def _reset(at: Place, replica: Replica, params: dict[str, Any]) -> None:
    answer = await at.me.sync(since=replica.cursor, **params)
    expect(problem_code(answer), (410, "sync_reset"), "the refusal of the cursor")
    async with at.me.stream(replica, **params) as stream:
        event = await stream.event()
        expect(event.type, "reset", "the first event of the stream")
        expect(json.loads(event.data).get("code"), "sync_reset", "the problem in it")


@check()
async def project_narrows(at: Place) -> None:
    """With project, only the documents of this project come, and those of the workspace as a whole."""
    key = f"{at.project['key']}B"
    other = await at.send(do.create_project(key, "Conformance, another one"))
    try:
        replica = await at.replica()
        hidden = await at.send(do.create_task(other.value["id"], "Elsewhere"))
        shown = await at.task("Here")
        frame = await at.me.page(replica.cursor, **at.mine)
        told = {op.get("id") for op in frame.ops}
        expect_that(shown.value["id"] in told, "the task of the project", sorted(map(str, told)))
        expect_that(hidden.value["id"] not in told, "no task of another project", hidden.value["key"])
        fresh = await at.replica()
        expect([doc["key"] for doc in fresh.of_kind("project").values()], [at.project["key"]], "projects")
        tasks = {doc["project_id"] for doc in fresh.of_kind("task").values()}
        expect(tasks, {at.project["id"]}, "the projects of the tasks")
    finally:
        await at.send(do.archive_project(other.value["id"]))


@check()
async def fields_narrow(at: Place) -> None:
    """With fields, documents of a kind have these, and those that say which they are."""
    task = (await at.task()).value
    params = {**at.mine, "fields": "task:title"}
    replica = await at.me.snapshot(**params)
    wanted = {"id", "workspace_id", "project_id", "version", "title"}
    held = replica.get("task", task["id"]) or {}
    expect(sorted(held), sorted(wanted), "the fields of a task in the snapshot")
    await at.send(do.update_task(task["id"], priority="low", title="Changed"))
    frame = await at.me.page(replica.cursor, **params)
    told = [set(op["set"]) for op in frame.ops if op["kind"] == "task"]
    expect_that(
        bool(told) and all(one <= wanted for one in told), "only these fields in the frame", str(told)
    )
    expect((await at.me.page(replica.cursor, **params)).since, replica.number, "`from` of the frame")


@check()
async def nobody_is_shown_nothing(at: Place) -> None:
    """Who shows no credential is refused with 401."""
    for path in ("/sync", "/sync/snapshot"):
        answer = await at.me.http.get(at.me.path + path)
        if not re.fullmatch("401", str(answer.status_code)):
            raise FailedError(f"{path} without a credential: expected 401, came {answer.status_code}")
