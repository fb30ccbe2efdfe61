"""Commands that wait, against the real application: in order, once, through lost answers and restarts."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pastis_client import (
    Calls,
    Command,
    FileStore,
    LoginEndedError,
    MemoryStore,
    NotFoundError,
    PastisError,
    ProblemError,
    Store,
)
from pastis_client import commands as do
from pastis_client.local import Local
from pastis_client.queue import Queue
from pastis_client.replica import Frame, Replica

from app.tests.support.factories import Workspace
from app.tests.test_clients.conftest import Network, member

pytestmark = pytest.mark.anyio


@pytest.fixture
async def calls(url: str, workspace: Workspace, network: Network) -> AsyncIterator[Calls]:
    async with member(url, workspace, "owner", network) as client:
        client._api._transport._patience = 0.02  # the queue's own patience is what is tried
        yield client.workspace(workspace.slug).calls


class Side:
    """A queue that runs, with the local side that listens to it."""

    def __init__(self, calls: Calls, store: Store) -> None:
        self.refusals: list[tuple[str, str]] = []
        self.local = Local(self._told, lambda: None)
        self.local.replace(Replica("e", 0, "c"))
        self.queue = Queue(calls.answer, store, "queue", self.local)

    def _told(self, command: Command[Any], error: PastisError) -> None:
        assert isinstance(error, ProblemError)
        self.refusals.append((command.mutation_id, error.code))


@asynccontextmanager
async def running(calls: Calls, store: Store) -> AsyncIterator[Side]:
    side = Side(calls, store)
    await side.queue.restore()
    for command in side.queue.commands:
        side.local.show(command)
    task = asyncio.create_task(side.queue.run())
    try:
        yield side
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def titles(calls: Calls) -> list[str]:
    """What the log says was created, in its order."""
    events = [event async for event in calls.events() if event["command"] == "task.create"]
    return [event["ops"][0]["set"]["title"] for event in reversed(events)]


async def put(side: Side, command: Command[Any]) -> Any:
    side.local.show(command)
    return await side.queue.put(command)


async def test_each_is_done_once_and_in_order_though_answers_are_lost(calls: Calls, network: Network) -> None:
    chance = random.Random(3)
    network.losing = lambda _: chance.choice([None, "request", "answer", "502", "503"])
    wanted = [f"Task {number}" for number in range(15)]
    async with running(calls, MemoryStore()) as side:
        pending = [await put(side, do.create_task("FLUID", title)) for title in wanted]
        answers = await asyncio.gather(*pending)
        await side.queue.drained()
    network.losing = lambda _: None
    assert [task["title"] for task in answers] == wanted
    assert await titles(calls) == wanted
    assert [task["key"] for task in answers] == [f"FLUID-{number}" for number in range(1, 16)]


async def test_what_waits_outlives_a_restart_and_is_done_once(
    calls: Calls, network: Network, tmp_path: Path
) -> None:
    """Also what was done before it, and whose answer was lost."""
    store = FileStore(tmp_path)
    network.losing = lambda _: "answer"
    async with running(calls, store) as side:
        first = do.create_task("FLUID", "Before")
        await put(side, first)
        await put(side, do.update_task(first.effects[0].id, priority="urgent"))
        await network.answer_lost.wait()
    network.losing = lambda _: None
    assert await titles(calls) == ["Before"]
    async with running(calls, FileStore(tmp_path)) as side:
        shown = side.local.view.get("task", first.effects[0].id)
        assert shown is not None
        assert shown["priority"] == "urgent"
        await side.queue.drained()
    assert await titles(calls) == ["Before"]
    assert (await calls.task("FLUID-1"))["priority"] == "urgent"
    async with running(calls, FileStore(tmp_path)) as side:
        assert side.queue.commands == []


async def test_a_refusal_takes_back_what_was_shown_and_lets_the_next_pass(calls: Calls) -> None:
    async with running(calls, MemoryStore()) as side:
        lost = do.create_task("NONE", "In no project")
        kept = do.create_task("FLUID", "In one")
        refused, done = await put(side, lost), await put(side, kept)
        for command in (lost, kept):
            assert side.local.view.get("task", command.effects[0].id) is not None
        with pytest.raises(PastisError):
            await refused
        assert (await done)["title"] == "In one"
        assert side.refusals == [(lost.mutation_id, "not_found")]
        assert side.local.view.get("task", lost.effects[0].id) is None
        assert side.local.view.get("task", kept.effects[0].id) is not None


async def test_what_was_done_is_shown_until_the_replica_has_it(calls: Calls) -> None:
    async with running(calls, MemoryStore()) as side:
        command = do.create_task("FLUID", "In one")
        task = await (await put(side, command))
        view, number = side.local.view, task["version"]
        assert (view.get("task", task["id"]) or {})["key"] == ""
        op = {"verb": "create", "kind": "task", "id": task["id"], "version": number, "set": task}
        side.local.apply(Frame("e", 0, number - 1, "c1"))
        assert (view.get("task", task["id"]) or {})["key"] == ""
        side.local.apply(Frame("e", number - 1, number, "c2", (op,)))
        assert view.get("task", task["id"]) == task
        # The frame may come before the answer, and an answer may say that nothing was changed.
        await (await put(side, do.update_task(task["id"], title="In one")))
        assert side.local.overlays.empty


async def test_offline_all_waits_and_a_poke_wakes_it(
    calls: Calls, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pastis_client.backoff.Backoff.next", lambda _: 60.0)
    asked = asyncio.Event()

    def lose(_: httpx2.Request) -> str:
        asked.set()
        return "request"

    network.losing = lose
    async with running(calls, MemoryStore()) as side:
        pending = await put(side, do.create_task("FLUID", "Offline"))
        await asked.wait()
        await asyncio.sleep(0.01)
        network.losing = lambda _: None
        assert side.queue.commands != []
        side.queue.poke()
        assert (await pending)["title"] == "Offline"


async def test_the_end_of_the_login_keeps_what_waits(
    url: str, network: Network, workspace: Workspace
) -> None:
    store = MemoryStore()
    async with member(url, workspace, "owner", network) as client:
        side = Side(client.workspace(workspace.slug).calls, store)
        await client.session.logout()
        await put(side, do.create_task("FLUID", "Later"))
        with pytest.raises(LoginEndedError):
            await side.queue.run()
        assert side.refusals == []
    async with member(url, workspace, "owner", network) as client:
        calls = client.workspace(workspace.slug).calls
        async with running(calls, store) as side:
            await side.queue.drained()
        assert await titles(calls) == ["Later"]


async def test_what_depends_on_a_refusal_is_refused_too(calls: Calls) -> None:
    async with running(calls, MemoryStore()) as side:
        lost = do.create_task("NONE", "In no project")
        await put(side, lost)
        second = await put(side, do.update_task(lost.effects[0].id, title="Still none"))
        with pytest.raises(NotFoundError):
            await second
        assert [code for _, code in side.refusals] == ["not_found", "not_found"]
        assert side.local.overlays.empty
