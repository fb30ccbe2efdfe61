"""Commands that wait are committed together; each is answered for itself."""

import asyncio
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import Command, Work
from app.core.unit_of_work.writer import MAX_TOGETHER, MIN_HALF
from app.models.labels import Label
from app.services.bootstrap import Services
from app.tests.support import bench as on
from app.tests.support.bench import Bench, make_bench, new_label, settled
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


def codes(results: list[Any]) -> list[Any]:
    """The number of each committed command, the code of each refused one."""
    return [one.code if isinstance(one, PastisError) else getattr(one, "seq", one) for one in results]


def watch(bench: Bench) -> list[list[int]]:
    """The numbers of the events of each commit, as listeners are told."""
    told: list[list[int]] = []
    bench.writers.listeners.append(lambda _workspace, events: told.append([one["seq"] for one in events]))
    return told


async def test_waiting_commands_share_a_transaction(bench: Bench) -> None:
    told = watch(bench)
    before = bench.writers.stats.transactions
    outcomes = await bench.together(*[on.create(f"Label {number}") for number in range(MIN_HALF)])
    assert [one.seq for one in outcomes] == list(range(2, 2 + MIN_HALF))
    assert [one.value.name for one in outcomes] == [f"Label {number}" for number in range(MIN_HALF)]
    assert told == [list(range(2, 2 + MIN_HALF))]
    assert bench.writers.stats.transactions == before + 1
    await bench.check_log()


async def test_many_commands_are_halved_so_that_one_half_is_answered_while_the_other_is_written(
    bench: Bench,
) -> None:
    told = watch(bench)
    outcomes = await bench.together(*[on.create(f"Label {number}") for number in range(20)])
    assert [one.seq for one in outcomes] == list(range(2, 22))
    assert [len(one) for one in told] == [10, 10]
    await bench.check_log()


async def test_no_transaction_takes_more_than_its_share(bench: Bench) -> None:
    told = watch(bench)
    count = 2 * MAX_TOGETHER + 5
    await bench.together(*[on.create(f"Label {number}") for number in range(count)])
    assert [len(one) for one in told] == [MAX_TOGETHER, MAX_TOGETHER, 5]
    assert await bench.head() == count + 1
    await bench.check_log()


async def test_many_writers_lose_nothing_and_leave_no_gap(bench: Bench) -> None:
    label = (await bench.run(on.create("Counter"))).value

    async def writer_of(number: int) -> list[int]:
        return [(await bench.run(on.append(label.id, f"{number}.{turn} "))).seq or 0 for turn in range(5)]

    seqs = await asyncio.gather(*[writer_of(number) for number in range(30)])
    assert sorted(seq for own in seqs for seq in own) == list(range(3, 153))
    words = (await bench.label(label.id))["description"].split()
    assert sorted(words) == sorted(f"{number}.{turn}" for number in range(30) for turn in range(5))
    # What each event says is what the ones before it left.
    text = ""
    for event in (await bench.events())[2:]:
        (op,) = event["ops"]
        assert op["before"]["description"] == text
        text = op["set"]["description"]
    assert text.split() == words
    await bench.check_log()


async def test_commands_see_those_before_them_in_the_group(bench: Bench) -> None:
    label_id = new_id()
    seen: list[list[str]] = []

    async def look(work: Work) -> None:
        seen.append(sorted(one.name for one in await work.find(Label, {})))

    results = await bench.together(
        on.create("Uploader", label_id),
        Command("label.look", look),
        on.rename(label_id, "Renamed"),
        Command("label.look", look),
        on.remove(label_id),
        Command("label.look", look),
        on.rename(label_id, "Too late"),
    )
    assert codes(results) == [2, None, 3, None, 4, None, ErrorCode.NOT_FOUND]
    assert seen == [["Uploader"], ["Renamed"], []]
    assert (await bench.labels(), await bench.head()) == ({}, 4)


async def test_a_refused_command_leaves_no_trace_and_its_neighbours_commit(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    told = watch(bench)
    results = await bench.together(
        on.append(label.id, "first "),
        on.refuse(on.create("Never"), on.append(label.id, "never "), on.rename(label.id, "Never 2")),
        on.append(label.id, "second"),
    )
    assert codes(results) == [3, ErrorCode.ALREADY_EXISTS, 4]
    assert told == [[3, 4]]
    assert (await bench.names(), (await bench.label(label.id))["description"]) == (
        ["Uploader"],
        "first second",
    )
    await bench.check_log()


async def test_a_command_refused_after_its_writes_were_sent_leaves_no_trace_either(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    other = (await bench.run(on.create("Pager"))).value
    results = await bench.together(
        on.append(label.id, "first "),
        on.refuse(on.append(label.id, "never "), on.create("Never"), on.remove(other.id), look=True),
        on.append(label.id, "second "),
        on.refuse(on.rename(label.id, "Never 2"), look=True),
        on.create("Reorderer"),
    )
    assert codes(results) == [4, ErrorCode.ALREADY_EXISTS, 5, ErrorCode.ALREADY_EXISTS, 6]
    assert await bench.names() == ["Pager", "Reorderer", "Uploader"]
    assert (await bench.label(label.id))["description"] == "first second "
    await bench.check_log()


@pytest.mark.parametrize("look", [False, True])
async def test_a_bug_in_a_decision_is_its_own(bench: Bench, look: bool) -> None:
    bug = RuntimeError("a bug")
    results = await bench.together(
        on.create("Uploader"), on.refuse(on.create("Never"), look=look, error=bug), on.create("Pager")
    )
    assert codes(results) == [2, bug, 3]
    assert await bench.names() == ["Pager", "Uploader"]
    await bench.check_log()


async def test_a_document_that_cannot_be_stored_fails_its_own_command_only(bench: Bench) -> None:
    async def decide(work: Work) -> Label:
        return work.update(work.add(new_label(work, "Never")), description="x" * 17_000_000)

    results = await bench.together(on.create("Uploader"), Command("label.create", decide), on.create("Pager"))
    assert isinstance(results.pop(1), OperationFailure)
    assert codes(results) == [2, 3]
    assert await bench.names() == ["Pager", "Uploader"]
    await bench.check_log()


async def test_a_broken_unique_index_fails_its_own_command_only(bench: Bench) -> None:
    label = (await bench.run(on.create("Accessibility"))).value
    results = await bench.together(
        on.create("Uploader"),
        on.create("ACCESSIBILITY"),
        on.append(label.id, "of the components"),
        on.create("Pager"),
        on.create("pager"),
    )
    assert codes(results) == [3, ErrorCode.ALREADY_EXISTS, 4, 5, ErrorCode.ALREADY_EXISTS]
    assert await bench.names() == ["Accessibility", "Pager", "Uploader"]
    assert bench.writers.stats.retries == 0
    await bench.check_log()


async def test_a_name_may_change_hands_within_a_group(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    other = (await bench.run(on.create("Pager"))).value
    results = await bench.together(
        on.remove(other.id), on.rename(label.id, "Pager"), on.create("Uploader"), on.append(label.id, "was")
    )
    assert codes(results) == [4, 5, 6, 7]
    assert await bench.names() == ["Pager", "Uploader"]
    assert bench.writers.stats.retries == 0
    await bench.check_log()


async def test_a_name_is_let_go_before_it_is_taken_whoever_was_touched_first(bench: Bench) -> None:
    taker = (await bench.run(on.create("Pager"))).value
    holder = (await bench.run(on.create("Uploader"))).value
    before = bench.writers.stats.transactions
    results = await bench.together(
        on.append(taker.id, "touched first"), on.remove(holder.id), on.rename(taker.id, "Uploader")
    )
    assert codes(results) == [4, 5, 6]
    assert bench.writers.stats.transactions == before + 1
    assert await bench.names() == ["Uploader"]
    await bench.check_log()


async def test_a_group_of_refusals_commits_nothing(bench: Bench) -> None:
    before = bench.writers.stats.transactions
    results = await bench.together(on.refuse(), on.refuse(on.create("Never"), look=True))
    assert codes(results) == [ErrorCode.ALREADY_EXISTS] * 2
    assert (await bench.labels(), await bench.head()) == ({}, 1)
    assert bench.writers.stats.transactions == before


async def test_a_refused_batch_fails_alone(bench: Bench) -> None:
    async def batch(*commands: Command[Any]) -> Any:
        return await bench.run_all(commands)

    first, second, third = await settled(
        batch(on.create("Uploader"), on.create("Pager")),
        batch(on.create("Never"), on.create("Never 2"), on.refuse(look=True)),
        batch(on.create("Reorderer")),
    )
    assert isinstance(second, PastisError)
    assert [one.seq for own in (first, third) for one in own] == [2, 3, 4]
    assert await bench.names() == ["Pager", "Reorderer", "Uploader"]
    await bench.check_log()


async def test_dry_runs_do_not_disturb_their_neighbours(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    wet, dry, wet_too, dry_refused = await settled(
        bench.run(on.append(label.id, "wet ")),
        bench.run(on.append(label.id, "dry "), dry_run=True),
        bench.run(on.append(label.id, "wet")),
        bench.run(on.refuse(on.remove(label.id), look=True), dry_run=True),
    )
    assert [wet.seq, wet_too.seq, dry.value.description] == [3, 4, "dry "]
    assert isinstance(dry_refused, PastisError)
    assert (await bench.label(label.id))["description"] == "wet wet"
    await bench.check_log()


async def test_listeners_are_told_after_the_commit_and_in_order(bench: Bench, services: Services) -> None:
    told: list[tuple[str, int]] = []
    reads: list[Any] = []

    def listen(workspace_id: str, events: list[Doc]) -> None:
        told.extend((workspace_id, event["seq"]) for event in events)
        reads.append(asyncio.ensure_future(bench.head()))

    bench.writers.listeners.append(listen)
    for turn in range(3):
        await bench.together(*[on.create(f"Label {turn}.{number}") for number in range(4)], on.refuse())
    await bench.run(on.create("Never"), dry_run=True)
    assert told == [(bench.workspace_id, seq) for seq in range(2, 14)]
    heads = await asyncio.gather(*reads)
    assert all(head >= seq for head, seq in zip(heads, (5, 9, 13), strict=True))


async def test_a_listener_s_bug_does_not_undo_what_is_committed(
    bench: Bench,
) -> None:
    def fail(_workspace: str, _events: list[Doc]) -> None:
        raise RuntimeError("a bug in a listener")

    bench.writers.listeners.append(fail)
    told = watch(bench)
    assert (await bench.run(on.create("Uploader"))).seq == 2
    assert (await bench.names(), told) == (["Uploader"], [[2]])


async def test_a_requester_that_leaves_does_not_stop_the_commit(
    bench: Bench,
) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def decide(work: Work) -> Label:
        begun.set()
        await may_go_on.wait()
        return work.add(new_label(work, "Uploader"))

    leaving = asyncio.create_task(bench.run(Command("label.create", decide)))
    staying = asyncio.create_task(bench.run(on.create("Pager")))
    await begun.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    may_go_on.set()
    assert (await staying).seq == 3
    assert await bench.names() == ["Pager", "Uploader"]
    await bench.check_log()


async def test_a_requester_that_left_before_its_turn_is_not_served(bench: Bench) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def wait(_work: Work) -> None:
        begun.set()
        await may_go_on.wait()

    first = asyncio.create_task(bench.run(Command("label.wait", wait)))
    await begun.wait()
    leaving = asyncio.create_task(bench.run(on.create("Never")))
    staying = asyncio.create_task(bench.run(on.create("Uploader")))
    await asyncio.sleep(0)
    leaving.cancel()
    may_go_on.set()
    assert [(await first).seq, (await staying).seq] == [None, 2]
    assert await bench.names() == ["Uploader"]


async def test_shutdown_waits_for_what_is_under_way_and_refuses_what_comes(services: Services) -> None:
    bench = await make_bench(services)
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def decide(work: Work) -> Label:
        begun.set()
        await may_go_on.wait()
        return work.add(new_label(work, "Uploader"))

    under_way = asyncio.create_task(bench.run(Command("label.create", decide)))
    await begun.wait()
    waiting = asyncio.create_task(bench.run(on.create("Pager")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(bench.writers.close())
    await asyncio.sleep(0)
    with pytest.raises(PastisError) as caught:
        await bench.run(on.create("Never"))
    assert caught.value.code is ErrorCode.SERVER_STOPPING
    assert not closing.done()
    may_go_on.set()
    await closing
    assert (under_way.done(), waiting.done()) == (True, True)
    assert await bench.names() == ["Pager", "Uploader"]
    await bench.check_log()


async def test_workspaces_do_not_wait_for_each_other(bench: Bench, services: Services) -> None:
    other = Bench(services.database, bench.writers)
    await other.found()
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def wait(_work: Work) -> None:
        begun.set()
        await may_go_on.wait()

    held = asyncio.create_task(bench.run(Command("label.wait", wait)))
    await begun.wait()
    assert (await other.run(on.create("Uploader"))).seq == 2
    assert not held.done()
    may_go_on.set()
    await held
    assert (await other.names(), await bench.names()) == (["Uploader"], [])


async def test_idle_writers_are_let_go(bench: Bench) -> None:
    await bench.together(*[on.create(f"Label {number}") for number in range(3)])
    await asyncio.wait_for(_until_empty(bench), 30)
    assert (bench.writers._writers, bench.writers._tasks) == ({}, set())


async def _until_empty(bench: Bench) -> None:
    while bench.writers._writers or bench.writers._tasks:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
