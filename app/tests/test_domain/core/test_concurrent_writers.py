"""Writers of one workspace in several processes, and documents changed behind the writer's back."""

import asyncio
import itertools
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import Command, Work, writer
from app.models.labels import Label
from app.tests.support import bench as on
from app.tests.support.bench import Bench, settled

pytestmark = pytest.mark.anyio


class Behind:
    """A decision that is overtaken once: between its read and its commit, somebody else writes."""

    def __init__(self, bench: Bench, label_id: str, change: Any) -> None:
        self.runs: list[str | None] = []
        self._bench = bench
        self._label_id = label_id
        self._change = change

    async def decide(self, work: Work) -> Label | None:
        label = await work.get(Label, self._label_id)
        self.runs.append(None if label is None else label.description)
        if len(self.runs) == 1:
            await self._change()
        if label is None:
            raise PastisError(ErrorCode.NOT_FOUND, kind="label")
        return work.update(label, description=label.description + "mine")

    def command(self) -> Command[Any]:
        return Command("label.update", self.decide)


async def test_two_processes_lose_nothing_and_leave_no_gap(bench: Bench) -> None:
    label = (await bench.run(on.create("Counter"))).value
    processes = [bench, bench.beside(), bench.beside()]

    async def write(number: int, own: Bench) -> list[int]:
        return [(await own.run(on.append(label.id, f"{number}.{turn} "))).seq or 0 for turn in range(6)]

    seqs = await asyncio.gather(
        *[write(3 * number + place, own) for number in range(4) for place, own in enumerate(processes)]
    )
    assert sorted(seq for own in seqs for seq in own) == list(range(3, 75))
    words = (await bench.label(label.id))["description"].split()
    assert sorted(words) == sorted(f"{number}.{turn}" for number in range(12) for turn in range(6))
    assert sum(own.writers.stats.commands for own in processes) == 74
    await bench.check_log()


async def test_processes_that_meet_take_turns(bench: Bench) -> None:
    """However busy one is, the other is not left waiting until it rests."""
    processes = {"Ours": bench, "Theirs": bench.beside()}

    async def write(name: str, number: int) -> None:
        for turn in range(20):
            await processes[name].run(on.create(f"{name} {number}.{turn}"))

    await asyncio.gather(*[write(name, number) for number in range(4) for name in processes])
    names = [op["set"]["name"].split()[0] for event in (await bench.events())[1:] for op in event["ops"]]
    runs = [len(list(run)) for _, run in itertools.groupby(names)]
    assert len(names) == 160
    # Of four commands a turn, until one of the two has finished and the other is alone.
    assert max(runs[:-1]) <= 24
    await bench.check_log()


async def test_two_processes_that_create_share_the_numbers(bench: Bench) -> None:
    beside = bench.beside()
    results = await settled(
        *[
            own.run(on.create(f"{name} {number}"))
            for number in range(10)
            for name, own in (("Ours", bench), ("Theirs", beside))
        ]
    )
    assert sorted(one.seq for one in results) == list(range(2, 22))
    assert len(await bench.labels()) == 20
    await bench.check_log()


async def test_one_name_is_given_once_by_two_processes(bench: Bench) -> None:
    results = await settled(
        bench.run(on.create("Accessibility")), bench.beside().run(on.create("ACCESSIBILITY"))
    )
    refused = [one for one in results if isinstance(one, PastisError)]
    assert [one.code for one in refused] == [ErrorCode.ALREADY_EXISTS]
    assert (len(await bench.labels()), await bench.head()) == (1, 2)


async def test_one_workspace_is_founded_once_by_two_processes(bench: Bench) -> None:
    fresh = Bench(bench.database, bench.writers)
    results = await settled(fresh.found(), fresh.beside().found())
    assert len([one for one in results if isinstance(one, PastisError | ValueError)]) == 1
    assert (await fresh.seqs(), await fresh.head()) == ([1], 1)


async def test_another_process_s_commit_makes_a_decision_run_again(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    beside = bench.beside()
    behind = Behind(bench, label.id, lambda: beside.run(on.append(label.id, "theirs ")))
    outcome = await bench.run(behind.command())
    assert behind.runs == ["", "theirs "]
    assert (outcome.seq, bench.writers.stats.retries, beside.writers.stats.retries) == (4, 1, 0)
    assert (await bench.label(label.id))["description"] == "theirs mine"
    await bench.check_log()


async def test_another_document_s_commit_does_so_too_as_the_numbers_are_shared(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    behind = Behind(bench, label.id, lambda: bench.beside().run(on.create("Pager")))
    assert (await bench.run(behind.command())).seq == 4
    assert (behind.runs, bench.writers.stats.retries) == (["", ""], 1)
    await bench.check_log()


async def test_a_document_changed_by_hand_makes_the_decision_run_again(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value

    async def by_hand() -> None:
        await bench.database.collection(Label).update_one(
            {"_id": label.id}, {"$set": {"description": "by hand "}, "$inc": {"version": 100}}
        )

    behind = Behind(bench, label.id, by_hand)
    assert (await bench.run(behind.command())).seq == 3
    assert behind.runs == ["", "by hand "]
    assert bench.writers.stats.retries == 1
    stored = await bench.label(label.id)
    assert (stored["description"], stored["version"]) == ("by hand mine", 3)
    assert (await bench.events())[-1]["ops"][0]["before"]["description"] == "by hand "


async def test_a_document_removed_by_hand_is_gone_for_the_second_run(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    behind = Behind(bench, label.id, lambda: bench.database.collection(Label).delete_one({"_id": label.id}))
    results = await bench.together(behind.command(), on.create("Pager"))
    assert behind.runs == ["", None]
    assert [results[0].code, results[1].seq] == [ErrorCode.NOT_FOUND, 3]
    assert (await bench.names(), await bench.seqs()) == (["Pager"], [1, 2, 3])


async def test_a_version_that_the_writer_does_not_expect_is_never_overwritten(bench: Bench) -> None:
    """The filter of each write, without the help of snapshot isolation."""
    label = (await bench.run(on.create("Uploader"))).value
    runs: list[int] = []

    async def decide(work: Work) -> Label:
        found = await work.require(Label, label.id)
        if not runs:
            # What the identity map holds is older than what is there.
            entry = work._batch.entries[Label, label.id]
            entry.stored = entry.current = {**(entry.stored or {}), "version": 1, "description": "stale "}
            found = await work.require(Label, label.id)
        runs.append(found.version)
        return work.update(found, description=found.description + "mine")

    await bench.run(Command("label.update", decide, {Label: [label.id]}))
    assert (runs, bench.writers.stats.retries) == ([1, 2], 1)
    assert (await bench.label(label.id))["description"] == "mine"
    await bench.check_log()


@pytest.mark.parametrize("how", [on.remove, lambda id_: on.rename(id_, "Renamed")])
async def test_a_write_conflict_within_the_transaction_is_tried_again(bench: Bench, how: Any) -> None:
    """Another transaction that is still open holds the document."""
    label = (await bench.run(on.create("Uploader"))).value
    async with bench.database.session() as session:
        await bench.database.begin(session)
        await bench.database.collection(Label).update_one(
            {"_id": label.id}, {"$set": {"color": "#000000"}}, session=session
        )
        running = asyncio.create_task(bench.run(how(label.id)))
        while bench.writers.stats.retries < 2 and not running.done():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        assert not running.done()
        await session.abort_transaction()
        assert (await running).seq == 3
    assert await bench.names() in ([], ["Renamed"])
    await bench.check_log()


async def test_a_conflict_that_does_not_end_is_an_overload(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    monkeypatch.setattr(writer, "DEADLINE_SECONDS", 0.05)
    async with bench.database.session() as session:
        await bench.database.begin(session)
        await bench.database.collection(Label).update_one(
            {"_id": label.id}, {"$set": {"color": "#000000"}}, session=session
        )
        with pytest.raises(PastisError) as caught:
            await bench.run(on.rename(label.id, "Never"))
        await session.abort_transaction()
    assert caught.value.code is ErrorCode.OVERLOADED
    assert isinstance(caught.value.__cause__, OperationFailure)
    assert (await bench.names(), await bench.head()) == (["Uploader"], 2)


async def test_what_another_process_changed_in_internal_fields_is_seen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They move no version, so that only the head tells that what is remembered is out of date."""
    monkeypatch.delattr(Label, "derive")  # as of those that follow from nothing
    label = (await bench.run(on.create("Uploader"))).value
    await bench.run(on.append(label.id, "remembered "))
    await bench.beside().run(on.update(label.id, folded="theirs"))
    seen: list[str] = []

    async def decide(work: Work) -> Label:
        found = await work.require(Label, label.id)
        seen.append(found.folded)
        return work.update(found, description=found.description + found.folded)

    await bench.run(Command("label.update", decide))
    # The first decision went by what was remembered, and was thrown away.
    assert seen[-1] == "theirs"
    stored = await bench.label(label.id)
    assert (stored["folded"], stored["description"]) == ("theirs", "remembered theirs")


async def test_what_another_process_made_or_removed_is_seen_by_a_refusal(bench: Bench) -> None:
    """A refusal writes nothing that could conflict: it must not rest on what is remembered."""
    label = (await bench.run(on.create("Uploader"))).value
    await bench.run(on.append(label.id, "remembered"))
    await bench.beside().run(on.remove(label.id))

    async def decide(work: Work) -> None:
        if await work.get(Label, label.id) is not None:
            raise PastisError(ErrorCode.ALREADY_EXISTS, kind="label", field="id")

    assert (await bench.run(Command("label.look", decide))).seq is None
    assert await bench.labels() == {}
