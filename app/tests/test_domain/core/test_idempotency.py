"""The same request sent again: the same answer, and nothing done twice."""

from datetime import timedelta
from typing import Any

import pytest

from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import Command, Work
from app.models.labels import Label
from app.services.bootstrap import Services
from app.tests.support import bench as on
from app.tests.support.bench import ACTOR, Bench, make_bench, settled
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

KEY: dict[str, Any] = {"idempotency_key": "a-key", "fingerprint": "a request"}


async def test_a_replay_gives_the_first_answer(bench: Bench) -> None:
    first = await bench.run(on.create("Uploader"), **KEY)
    await bench.run(on.rename(first.value.id, "Renamed since"))
    again = await bench.run(on.create("Something else"), **KEY)
    assert (again.replayed, again.seq, again.value) == (True, first.seq, first.value)
    assert await bench.names() == ["Renamed since"]
    await bench.check_log()


async def test_the_answer_is_kept_in_the_transaction_of_its_effect(bench: Bench) -> None:
    outcome = await bench.run(on.create("Uploader"), **KEY)
    (record,) = await bench.mutations()
    assert record["_id"] == f"{bench.workspace_id}:a user:a-key"
    assert record["fingerprint"] == "a request"
    assert [(one["seq"], one["value"]["kind"]) for one in record["results"]] == [(2, "label")]
    assert record["results"][0]["value"]["doc"]["_id"] == outcome.value.id
    assert (await bench.events())[-1]["mutation"] == "a-key"


async def test_a_key_used_for_something_else_is_refused(bench: Bench) -> None:
    await bench.run(on.create("Uploader"), **KEY)
    results = await bench.together(on.create("Pager"), idempotency_key="a-key", fingerprint="another")
    assert [one.code for one in results] == [ErrorCode.IDEMPOTENCY_KEY_REUSED]
    assert (await bench.names(), await bench.head()) == (["Uploader"], 2)


async def test_the_same_key_twice_at_once_is_one_effect(bench: Bench) -> None:
    label = (await bench.run(on.create("Counter"))).value
    outcomes = await bench.together(*[on.append(label.id, "once ")] * 5, **KEY)
    assert [one.replayed for one in outcomes] == [False, True, True, True, True]
    assert {(one.seq, one.value.description) for one in outcomes} == {(3, "once ")}
    assert (await bench.label(label.id))["description"] == "once "
    assert (len(await bench.mutations()), await bench.head()) == (1, 3)


async def test_the_same_key_for_two_things_at_once_is_one_effect(bench: Bench) -> None:
    first, second = await settled(
        bench.run(on.create("Uploader"), **KEY),
        bench.run(on.create("Pager"), idempotency_key="a-key", fingerprint="another"),
    )
    assert (first.seq, second.code) == (2, ErrorCode.IDEMPOTENCY_KEY_REUSED)
    assert await bench.names() == ["Uploader"]


async def test_the_same_key_in_two_processes_is_one_effect(bench: Bench) -> None:
    label = (await bench.run(on.create("Counter"))).value
    processes = [bench, bench.beside(), bench.beside()]
    outcomes = await settled(*[own.run(on.append(label.id, "once "), **KEY) for own in processes])
    assert sorted(one.replayed for one in outcomes) == [False, True, True]
    assert {(one.seq, one.value.description) for one in outcomes} == {(3, "once ")}
    assert (await bench.label(label.id))["description"] == "once "
    assert len(await bench.mutations()) == 1
    await bench.check_log()


async def test_a_no_op_is_remembered_too_in_two_processes_at_once(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    processes = [bench, bench.beside()]
    outcomes = await settled(*[own.run(on.rename(label.id, "Uploader"), **KEY) for own in processes])
    assert sorted((one.replayed, one.seq) for one in outcomes) == [(False, None), (True, None)]
    await bench.run(on.rename(label.id, "Renamed"))
    assert (await bench.run(on.rename(label.id, "Uploader"), **KEY)).value.name == "Uploader"
    assert (await bench.names(), await bench.head()) == (["Renamed"], 3)


async def test_keys_belong_to_their_user_and_workspace(bench: Bench, services: Services) -> None:
    other = await make_bench(services)
    await bench.run(on.create("Uploader"), **KEY)
    elsewhere = await other.run(on.create("Uploader"), **KEY)
    by_another = await bench.run(on.create("Pager"), **KEY, actor={**ACTOR, "user_id": "another user"})
    assert (elsewhere.replayed, by_another.replayed) == (False, False)
    assert (await bench.names(), await other.names()) == (["Pager", "Uploader"], ["Uploader"])


async def test_a_refusal_is_not_remembered(bench: Bench) -> None:
    label_id = new_id()
    with pytest.raises(PastisError):
        await bench.run(on.rename(label_id, "Uploader 2"), **KEY)
    assert await bench.mutations() == []
    await bench.run(on.create("Uploader", label_id))
    assert (await bench.run(on.rename(label_id, "Uploader 2"), **KEY)).replayed is False
    assert await bench.names() == ["Uploader 2"]


async def test_a_refusal_after_writes_were_sent_is_not_remembered(bench: Bench) -> None:
    results = await settled(
        bench.run(on.refuse(on.create("Never"), look=True), **KEY), bench.run(on.create("Uploader"))
    )
    assert isinstance(results[0], PastisError)
    assert (await bench.mutations(), await bench.names()) == ([], ["Uploader"])


async def test_a_deletion_is_replayed_after_the_document_is_gone(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    first = await bench.run(on.remove(label.id), **KEY)
    again = await bench.run(on.remove(label.id), **KEY)
    assert [(one.value, one.seq, one.replayed) for one in (first, again)] == [
        (None, 3, False),
        (None, 3, True),
    ]
    assert await bench.head() == 3


async def test_a_batch_is_replayed_whole(bench: Bench) -> None:
    label_id = new_id()
    commands = [on.create("Uploader", label_id), on.update(label_id), on.append(label_id, "once")]
    first = await bench.run_all(commands, **KEY)
    again = await bench.run_all(commands, **KEY)
    assert [(one.seq, one.value.description) for one in again] == [(2, ""), (None, ""), (3, "once")]
    assert [one.value for one in again] == [one.value for one in first]
    assert [one.replayed for one in again] == [True] * 3
    assert (len(await bench.mutations()), await bench.head()) == (1, 3)


async def test_a_list_of_documents_is_replayed(bench: Bench) -> None:
    await bench.run_all([on.create("Uploader"), on.create("Pager")])

    async def decide(work: Work) -> list[Label]:
        found = await work.find(Label, {}, [("name", 1)])
        return [work.update(one, color="#000000") for one in found]

    first = await bench.run(Command("label.paint", decide), **KEY)
    again = await bench.run(Command("label.paint", decide), **KEY)
    assert [one.name for one in again.value] == ["Pager", "Uploader"]
    assert (again.value, again.replayed) == (first.value, True)
    assert await bench.head() == 4


async def test_a_dry_run_neither_remembers_nor_disturbs(bench: Bench) -> None:
    await bench.run(on.create("Uploader"), **KEY, dry_run=True)
    assert await bench.mutations() == []
    assert (await bench.run(on.create("Uploader"), **KEY)).replayed is False
    assert await bench.names() == ["Uploader"]


async def test_answers_are_kept_for_seven_days(bench: Bench) -> None:
    outcome = await bench.run(on.create("Uploader"), **KEY)
    (record,) = await bench.mutations()
    indexes = await bench.database.raw("mutations").index_information()
    assert indexes["mutations_expire"]["expireAfterSeconds"] == timedelta(days=7).total_seconds()
    assert record["at"] - outcome.value.created_at < timedelta(minutes=1)
