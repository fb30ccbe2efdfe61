"""A live workspace over connections that break in every way, with a scripted server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from pastis_client import (
    Client,
    ClosedError,
    LoginEndedError,
    MemoryStore,
    NotFoundError,
    PastisError,
    ProblemError,
    Store,
    Workspace,
)
from pastis_client import commands as do
from pastis_client.backoff import Backoff
from pastis_client.queue import Queue

from app.tests.test_clients.conftest import REAL_PAUSE
from app.tests.test_clients.scripted import Scripted, Step, Wire, scripted

pytestmark = pytest.mark.anyio
TASK = {"id": "t1", "version": 3, "project_id": "p1", "title": "Focus is lost", "rank": "a1"}


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    """Has one task, and streams that stay open and say nothing new."""
    async with scripted() as script:
        script.snapshots = [snapshot(3, ("task", TASK))]
        script.sync = [stream()]
        yield script


@pytest.fixture
async def client(server: Scripted) -> AsyncIterator[Client]:
    async with client_of(server, MemoryStore()) as client:
        yield client


def client_of(server: Scripted, store: Store) -> Client:
    return Client(server.url, token="pst_of_the_tests", store=store, patience=0.02)


def snapshot(seq: int, *docs: tuple[str, Any], epoch: str = "e") -> Step:
    return lambda wire: wire.snapshot(seq, *docs, epoch=epoch)


def refusal(status: int, code: str, **headers: str) -> Step:
    return lambda wire: wire.refuse(status, code, **headers)


def stream(*told: Callable[[Wire], Any], cut: bool = False) -> Step:
    """A stream that tells this and then stays open, or breaks off."""

    async def play(wire: Wire) -> None:
        await wire.begin(kind="text/event-stream")
        for tell in told:
            await tell(wire)
        if not cut:
            await asyncio.Event().wait()

    return play


def frame(since: int, to: int, *ops: Any, epoch: str = "e") -> Callable[[Wire], Any]:
    return lambda wire: wire.frame(since, to, *ops, epoch=epoch)


def title(version: int, text: str) -> dict[str, Any]:
    return {
        "verb": "update",
        "kind": "task",
        "id": "t1",
        "version": version,
        "by": None,
        "set": {"title": text},
    }


def since(server: Scripted) -> list[str]:
    return [asked["query"]["since"][0] for asked in server.of("/sync")]


async def within(awaited: Any) -> Any:
    async with asyncio.timeout(5):
        return await awaited


async def test_a_snapshot_and_then_frames(server: Scripted, client: Client) -> None:
    server.sync = [stream(frame(3, 4, title(4, "Kept")), frame(4, 9))]
    async with client.workspace("fluid") as live:
        assert live.get("task", "t1") is not None
        await within(live.reached(9))
        assert live.connected
        assert (live.get("task", "t1") or {})["title"] == "Kept"
    asked = server.of("/sync")[0]
    assert asked["headers"]["accept"] == "text/event-stream"
    assert asked["headers"]["authorization"] == "Bearer pst_of_the_tests"
    assert asked["query"] == {"since": ["e.3.x"]}


async def test_what_is_asked_for_goes_with_every_request(server: Scripted, client: Client) -> None:
    async with client.workspace(
        "fluid", project="FLUID", fields={"task": ["title", "rank"], "label": ["name"]}
    ):
        pass
    wanted = {"project": ["FLUID"], "fields": ["task:title,rank", "label:name"]}
    assert [asked["query"] for asked in server.of("/sync/snapshot")] == [wanted]


async def test_after_a_cut_it_goes_on_from_its_cursor(server: Scripted, client: Client) -> None:
    async def half(wire: Wire) -> None:
        await wire.send('data: {"epoch":"e","from":4,')

    server.sync = [
        stream(frame(3, 4, title(4, "One")), half, cut=True),
        stream(frame(4, 5, title(5, "Two")), cut=True),
        stream(frame(5, 6, title(6, "Three"))),
    ]
    async with client.workspace("fluid") as live:
        await within(live.reached(6))
        assert (live.get("task", "t1") or {})["title"] == "Three"
    assert since(server) == ["e.3.x", "e.4.x", "e.5.x"]
    assert len(server.of("/sync/snapshot")) == 1


async def test_what_comes_twice_is_dropped_and_what_is_missing_asked_for(
    server: Scripted, client: Client
) -> None:
    server.sync = [
        stream(frame(3, 4, title(4, "One")), frame(3, 4, title(4, "One")), frame(5, 6, title(6, "Three"))),
        stream(frame(4, 6, title(5, "Two"), title(6, "Three"))),
    ]
    async with client.workspace("fluid") as live:
        await within(live.reached(6))
        assert (live.get("task", "t1") or {})["title"] == "Three"
    assert since(server) == ["e.3.x", "e.4.x"]


async def test_bytes_may_come_one_by_one(server: Scripted, client: Client) -> None:
    async def slowly(wire: Wire) -> None:
        data = '{"epoch":"e","from":3,"to":4,"cursor":"c",\r\ndata: "ops":[]}'
        for byte in f"\ufeff: hello\r\nid: c\r\ndata: {data}\r\n\r\n".encode():
            await wire.send(bytes([byte]))

    server.sync = [stream(slowly)]
    async with client.workspace("fluid") as live:
        await within(live.reached(4))


@pytest.mark.parametrize("garbage", ["data: nonsense\n\n", "data: {}\n\n", "event: end\ndata: [1]\n\n"])
async def test_garbage_is_asked_for_again(server: Scripted, client: Client, garbage: str) -> None:
    server.sync = [stream(lambda wire: wire.send(garbage)), stream(frame(3, 4))]
    async with client.workspace("fluid") as live:
        await within(live.reached(4))


async def test_silence_is_a_dead_connection(
    server: Scripted, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pastis_client.follow.SILENCE_SECONDS", 0.1)
    server.sync = [stream(), stream(frame(3, 4))]
    async with client.workspace("fluid") as live:
        await within(live.reached(4))


@pytest.mark.parametrize(
    "lost",
    [
        stream(lambda wire: wire.event("reset", {"status": 410, "code": "sync_reset"})),
        refusal(410, "sync_reset"),
        refusal(422, "invalid_cursor"),
        stream(frame(0, 1, epoch="f")),
    ],
    ids=["event", "gone", "no cursor", "epoch"],
)
async def test_a_reset_brings_a_fresh_snapshot(server: Scripted, client: Client, lost: Step) -> None:
    other = {"id": "t2", "version": 1, "project_id": "p1", "title": "Another"}
    server.snapshots = [snapshot(3, ("task", TASK)), snapshot(1, ("task", other), epoch="f")]
    server.sync = [lost, stream(frame(1, 2, epoch="f"))]
    async with client.workspace("fluid") as live:
        tasks = live.query("task")
        await within(live._local.until(lambda: live._local.view.replica.epoch == "f" and live.number == 2))
        assert live.get("task", "t1") is None
        assert [task["id"] for task in tasks.result] == ["t2"]
    assert since(server) == ["e.3.x", "f.1.x"]


async def test_a_snapshot_that_is_cut_is_fetched_again(server: Scripted, client: Client) -> None:
    async def cut(wire: Wire) -> None:
        await wire.begin(kind="application/x-ndjson")
        await wire.send('{"epoch":"e","seq":3,"cursor":"c"}\n{"kind":"task","doc":{"id":"t1"')

    text = {**TASK, "title": "Of\u2028many\x85lines"}
    server.snapshots = [
        cut,
        refusal(503, "overloaded"),
        refusal(500, "internal_error"),
        snapshot(3, ("task", text)),
    ]
    async with client.workspace("fluid") as live:
        assert live.get("task", "t1") == text


async def test_it_waits_as_long_as_it_is_told(
    server: Scripted, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def slept(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("pastis_client.follow.asyncio", SimpleNamespace(sleep=slept))
    monkeypatch.setattr("pastis_client.backoff.random", SimpleNamespace(uniform=lambda _, longest: longest))
    monkeypatch.setattr(Backoff, "next", REAL_PAUSE)
    overloaded = {"code": "overloaded", "status": 503}
    server.sync = [
        stream(lambda wire: wire.send("retry: 3000\n\n"), lambda wire: wire.event("end", overloaded)),
        refusal(503, "overloaded", Retry_After="7"),
        stream(frame(3, 4), cut=True),
        stream(frame(4, 5)),
    ]
    async with client.workspace("fluid") as live:
        await within(live.reached(5))
    assert pauses == [3.25, 7.5, 0.25]


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (stream(lambda wire: wire.event("end", {"status": 404, "code": "not_found"})), NotFoundError),
        (
            stream(lambda wire: wire.event("end", {"status": 403, "code": "second_factor_required"})),
            ProblemError,
        ),
        (refusal(404, "not_found"), NotFoundError),
        (refusal(401, "invalid_token"), LoginEndedError),
    ],
)
async def test_what_does_not_pass_ends_it_and_is_told_to_all_who_wait(
    server: Scripted, client: Client, end: Step, error: type[PastisError]
) -> None:
    server.sync = [end]
    async with client.workspace("fluid") as live:
        tasks = live.query("task")
        with pytest.raises(error):
            await within(live.reached(9))
        with pytest.raises(error):
            async for _ in tasks:
                pass
        with pytest.raises(error):
            async for _ in live.query("task"):
                pass
        assert isinstance(live.ended, error)
        assert not live.connected


async def test_who_may_not_enter_is_told(server: Scripted, client: Client) -> None:
    server.snapshots = [refusal(404, "not_found")]
    with pytest.raises(NotFoundError):
        async with client.workspace("fluid"):
            pass


async def test_a_login_is_renewed_when_the_stream_ends_for_it(server: Scripted) -> None:
    tokens = {"refresh_token": "r", "expires_in": 900, "device_token": "d"}
    server.others = [
        lambda wire: wire.answer({**tokens, "access_token": "a1"}),
        lambda wire: wire.answer({**tokens, "access_token": "a2"}),
    ]
    invalid = {"status": 401, "code": "invalid_token"}
    server.sync = [
        stream(frame(3, 4), lambda wire: wire.event("end", invalid)),
        refusal(401, "invalid_token"),
        stream(frame(4, 5)),
    ]
    async with Client(server.url, patience=0.02) as client:
        await client.login("justin@fluid.example", "a long password")
        async with client.workspace("fluid") as live:
            await within(live.reached(5))
    assert [asked["headers"]["authorization"] for asked in server.of("/sync")] == [
        "Bearer a1",
        "Bearer a1",
        "Bearer a2",
    ]


async def test_a_restart_goes_on_where_it_was_also_offline(server: Scripted) -> None:
    store = MemoryStore()
    command = do.update_task("t1", title="Offline")
    server.sync = [stream(frame(3, 4, title(4, "Kept")))]
    server.others = [refusal(503, "overloaded")]
    async with client_of(server, store) as client, client.workspace("fluid") as live:
        await within(live.reached(4))
        await live.do(command)
    server.sync = [refusal(503, "overloaded")]
    async with client_of(server, store) as client, client.workspace("fluid") as live:
        assert live.number == 4
        assert (live.get("task", "t1") or {})["title"] == "Offline"
        assert live.waiting == [command]
        server.others = [lambda wire: wire.answer({"id": "t1"}, Pastis_Event="5")]
        server.sync = [stream(frame(4, 5, title(5, "Offline")))]
        await within(live.settled())
    sent = server.of("/tasks/t1")
    assert {asked["headers"]["idempotency-key"] for asked in sent} == {command.mutation_id}
    assert since(server)[-1] == "e.4.x"
    assert len(server.of("/sync/snapshot")) == 1


async def test_what_waits_is_sent_as_soon_as_the_server_is_back(
    server: Scripted, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Queue, "_pause", lambda self, _: self._poked.wait())
    failed = asyncio.Event()

    async def fail(wire: Wire) -> None:
        await wire.refuse(503, "overloaded")
        failed.set()

    server.others = [fail, lambda wire: wire.answer({"id": "t1"}, Pastis_Event="4")]
    server.sync = [stream(lambda _: failed.wait(), cut=True), stream(frame(3, 4, title(4, "Late")))]
    client._api._transport._patience = 0
    async with client.workspace("fluid") as live:
        await within(await live.do(do.update_task("t1", title="Late")))
        await within(live.settled())


async def test_what_waits_waits_as_long_as_it_is_told(
    server: Scripted, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def paused(_: Queue, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(Queue, "_pause", paused)
    monkeypatch.setattr(Backoff, "next", lambda _: 0.25)
    server.others = [
        refusal(429, "too_many_requests", Retry_After="60"),
        lambda wire: wire.answer({"id": "t1"}, Pastis_Event="3"),
    ]
    async with client.workspace("fluid") as live:
        await within(await live.do(do.update_task("t1", title="Late")))
    assert pauses == [60.25]


async def test_a_change_shows_at_once_and_a_refusal_takes_it_back(server: Scripted, client: Client) -> None:
    told: list[tuple[str, str]] = []
    server.others = [
        lambda wire: wire.answer({"id": "t1"}, Pastis_Event="4"),
        refusal(403, "permission_denied"),
    ]

    def refused(command: do.Command[Any], error: PastisError) -> None:
        told.append((command.mutation_id, str(error)))

    async with client.workspace("fluid", refused=refused) as live:
        tasks = live.query("task", where=lambda task: task["title"] != "Gone", sort=lambda task: task["rank"])
        done = await live.do(do.update_task("t1", title="Done"))
        assert tasks.result[0]["title"] == "Done"
        await within(done)
        assert tasks.result[0]["title"] == "Done"
        lost = do.update_task("t1", title="Gone")
        pending = await live.do(lost)
        assert tasks.result == []
        with pytest.raises(ProblemError):
            await within(pending)
        assert tasks.result[0]["title"] == "Done"
        assert told == [(lost.mutation_id, "403 permission_denied: permission_denied")]


async def test_what_was_done_in_a_former_epoch_is_shown_no_more(server: Scripted, client: Client) -> None:
    """The log has begun again, as after a restore: only the snapshot tells what there is."""
    done = asyncio.Event()
    reset = {"status": 410, "code": "sync_reset"}
    server.others = [lambda wire: wire.answer({"id": "t1"}, Pastis_Event="8")]
    server.snapshots = [snapshot(3, ("task", TASK)), snapshot(1, ("task", TASK), epoch="f")]
    server.sync = [stream(lambda _: done.wait(), lambda wire: wire.event("reset", reset)), stream()]
    async with client.workspace("fluid") as live:
        await within(await live.do(do.update_task("t1", title="Lost")))
        assert (live.get("task", "t1") or {})["title"] == "Lost"
        done.set()
        await within(live.settled())
        assert live.get("task", "t1") == TASK


async def test_what_ties_stays_in_its_order(server: Scripted, client: Client) -> None:
    server.snapshots = [snapshot(3, ("task", TASK), ("task", {**TASK, "id": "t2"}))]
    async with client.workspace("fluid") as live:
        tasks = live.query("task", sort=lambda task: task["rank"])
        for id_ in ("t1", "t2", "t1"):
            await live.do(do.update_task(id_, title="Again"))
            assert [task["id"] for task in tasks.result] == ["t1", "t2"]


async def test_leaving_tells_whoever_waits(server: Scripted, client: Client) -> None:
    server.others = [refusal(503, "overloaded")]
    async with client.workspace("fluid") as live:
        pending = await live.do(do.update_task("t1", title="Later"))
        waiting = asyncio.create_task(live.reached(9))
        await asyncio.sleep(0)
    for awaited in (pending, waiting, live.settled()):
        with pytest.raises(ClosedError):
            await within(awaited)


async def test_the_end_of_the_login_is_told_to_changes_that_wait(server: Scripted, client: Client) -> None:
    server.others = [refusal(401, "invalid_token")]
    async with client.workspace("fluid") as live:
        pending = await live.do(do.update_task("t1", title="Later"))
        with pytest.raises(LoginEndedError):
            await within(pending)
        assert live.waiting == [pending.command]
        with pytest.raises(LoginEndedError):
            await live.do(do.update_task("t1", title="Never"))


async def test_a_command_that_waits_already_is_the_same_one(server: Scripted, client: Client) -> None:
    server.others = [refusal(503, "overloaded"), lambda wire: wire.answer({"id": "t1"}, Pastis_Event="3")]
    command = do.update_task("t1", title="Once")
    async with client.workspace("fluid") as live:
        assert await live.do(command) is await live.do(command)
        await within(live.settled())


async def test_a_query_that_fails_ends_alone(server: Scripted, client: Client) -> None:
    async with client.workspace("fluid") as live:
        by_place = live.query("task", sort=lambda task: {"Focus is lost": 1}[task["title"]])
        sound = live.query("task")
        await live.do(do.update_task("t1", title="Elsewhere"))
        with pytest.raises(KeyError):
            async for _ in by_place:
                pass
        assert sound.result[0]["title"] == "Elsewhere"
        assert live.ended is None


async def results(live: Workspace, kind: str, seen: list[list[str]]) -> None:
    query = live.query(kind, sort=lambda doc: doc["title"])
    seen.extend([[doc["title"] for doc in found] async for found in query])


async def test_queries_wake_for_changes_of_their_kind_alone(server: Scripted, client: Client) -> None:
    told: asyncio.Queue[Callable[[Wire], Any]] = asyncio.Queue()

    async def play(wire: Wire) -> None:
        while True:
            await (await told.get())(wire)

    server.sync = [stream(play)]
    label = {"id": "l1", "version": 4, "title": "Accessibility"}
    new = {"id": "t2", "version": 5, "title": "Another", "rank": "a2"}
    seen: list[list[str]] = []
    async with client.workspace("fluid") as live:
        watching = asyncio.create_task(results(live, "task", seen))
        steps = [
            frame(3, 4, {"verb": "create", "kind": "label", "id": "l1", "version": 4, "set": label}),
            frame(4, 5, {"verb": "create", "kind": "task", "id": "t2", "version": 5, "set": new}),
            frame(5, 6, title(3, "No news")),
            frame(6, 7, {"verb": "purge", "kind": "task", "id": "t1"}),
        ]
        for number, step in enumerate(steps, 4):
            told.put_nowait(step)
            await within(live.reached(number))
            await asyncio.sleep(0)
    await within(watching)
    assert seen == [["Focus is lost"], ["Another", "Focus is lost"], ["Another"]]
