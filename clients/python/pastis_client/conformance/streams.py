"""What comes live, and that nothing is missing in it."""

import asyncio
import random
import time
from typing import Any

from pastis_client import commands as do
from pastis_client.commands import Command
from pastis_client.conformance.checks import check
from pastis_client.conformance.kit import Place, expect, expect_that

WRITERS = 4
CHANGES_EACH = 8
RANDOM_CHANGES = 40
HEARTBEAT_SECONDS = 15
_GRACE_SECONDS = 2


@check()
async def stream_form(at: Place) -> None:
    """The stream says when to come again, and its messages are frames with their cursors as ids."""
    replica = await at.replica()
    async with at.me.stream(replica, **at.mine) as stream:
        await stream.until((await at.task()).number)
        expect_that(stream.parser.retry is not None, "retry, in milliseconds", stream.parser.retry)


@check()
async def nothing_is_missed(at: Place) -> None:
    """Under concurrent writers, each frame begins where the last one ended, and each change comes once."""
    replica = await at.me.snapshot()

    async def write(writer: int) -> list[tuple[str, int]]:
        made = [await at.task(f"{writer}.{number}") for number in range(CHANGES_EACH)]
        return [(one.value["id"], one.number) for one in made]

    async with at.me.stream(replica) as stream:
        writers = await asyncio.gather(*(write(number) for number in range(WRITERS)))
        made = [one for ones in writers for one in ones]
        await stream.until(max(number for _, number in made))
    told = [(op.get("id"), op.get("version")) for frame in stream.frames for op in frame.ops]
    for one in made:
        expect(told.count(one), 1, f"how often the task of event {one[1]} came")


@check()
async def stream_resumes(at: Place) -> None:
    """A stream that is opened again goes on from the last cursor, with what came meanwhile."""
    replica = await at.replica()
    async with at.me.stream(replica, **at.mine) as stream:
        await stream.until((await at.task("Before")).number)
    meanwhile = await at.task("Meanwhile")
    async with at.me.stream(replica, **at.mine) as stream:
        await stream.until(meanwhile.number)
    expect(replica.get("task", meanwhile.value["id"]), meanwhile.value, "the task of meanwhile")


@check()
async def event_number_is_that_of_the_frame(at: Place) -> None:
    """When the client's number is that of Pastis-Event, and not before, it has the change."""
    replica = await at.replica()
    async with at.me.stream(replica, **at.mine) as stream:
        for title in ("First", "Second"):
            task = await at.task(title)
            await stream.until(task.number)
            held = replica.get("task", task.value["id"])
            expect(held, task.value, f"the task at event {task.number}")
            expect((held or {}).get("version"), task.number, "its version")


@check()
async def same_key_once(at: Place) -> None:
    """A request that is repeated with its Idempotency-Key has the same answer, and is one event."""
    replica = await at.replica()
    command = do.create_task(at.project["id"], "Sent twice")
    body = {name: value for name, value in (command.body or {}).items() if name != "id"}
    again: Command[Any] = Command(command.method, command.path, body, mutation_id=command.mutation_id)
    first, second = await at.send(again), await at.send(again)
    expect(second.value, first.value, "the answer to the repeated request")
    expect(second.number, first.number, "its Pastis-Event")
    frame = await at.me.page(replica.cursor, **at.mine)
    tasks = [op for op in frame.ops if op["kind"] == "task"]
    expect(len(tasks), 1, "how many tasks came")


@check()
async def replay_law(at: Place) -> None:
    """After any changes, a replica that took the frames is what a fresh snapshot and the routes show."""
    replica = await at.replica()
    chance = random.Random(replica.number)  # noqa: S311 - another walk each time, hides nothing
    async with at.me.stream(replica, **at.mine) as stream:
        number = await _walk(at, chance)
        await stream.until(number)
        fresh = await at.replica()
        await stream.until(fresh.number)
    expect(replica.number, fresh.number, "the number of both")
    different = [f"{kind} {id_}" for kind, id_ in sorted(replica.differences(fresh))]
    expect(different, [], "documents that differ from a fresh snapshot")
    # A server may have kept the snapshot, and lead on from it by the frames that are looked at.
    for id_, held in replica.of_kind("task").items():
        expect(held, await at.calls.task(id_), "a task, as its route shows it")
        comments = {one["id"]: one async for one in at.calls.comments(id_)}
        mine = {id_: one for id_, one in replica.of_kind("comment").items() if one["task_id"] == held["id"]}
        expect(mine, comments, "the comments of a task, as their route shows them")


async def _walk(at: Place, chance: random.Random) -> int:
    """The number of the last change."""
    tasks = [(await at.task(f"Task {number}")).value["id"] for number in range(3)]
    statuses = [status["id"] async for status in at.calls.statuses(at.project["id"])]
    number = 0
    for turn in range(RANDOM_CHANGES):
        task = chance.choice(tasks)
        commands: list[Command[Any]] = [
            do.update_task(task, title=f"Title {turn}"),
            do.update_task(task, estimate=turn, description=f"Text {turn}"),
            do.update_task(task, status_id=chance.choice(statuses)),
            do.create_comment(task, f"Comment {turn}"),
            do.create_task(at.project["id"], f"Task {turn}"),
        ]
        done = await at.calls.answer(chance.choice(commands))
        number = max(number, done.number)
        if "body" in (done.value or {}) and chance.random() < 0.5:
            number = (await at.send(do.delete_comment(task, done.value["id"]))).number
    await at.send(do.trash_task(tasks[0]))
    return max(number, (await at.send(do.archive_task(tasks[1]))).number)


@check(slow=True)
async def heartbeats(at: Place) -> None:
    """At least every 15 seconds something comes."""
    async with at.me.stream(await at.replica(), **at.mine) as stream:
        for _ in range(2):
            began = time.monotonic()
            await stream.frame(HEARTBEAT_SECONDS + _GRACE_SECONDS)
            expect_that(time.monotonic() - began < HEARTBEAT_SECONDS + _GRACE_SECONDS, "a frame", "none")
