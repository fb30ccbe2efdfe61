"""Any commands, alone, in batches and together, against a plain dictionary that runs them one by one."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import Command, Work
from app.models.labels import Label
from app.services.bootstrap import Services
from app.tests.support import bench as on
from app.tests.support.bench import Bench, make_bench, make_writers, new_label, settled
from app.tests.support.depth import examples
from app.tests.support.replay import State, events_after, replay, snapshot, walk_back
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

NAMES = ("Accessibility", "Reorderer", "Uploader")


@dataclass(frozen=True)
class Step:
    """One command: what it does, to which of the labels made so far, with which word."""

    verb: str
    target: int = 0
    word: str = NAMES[0]
    look: bool = False


@dataclass(frozen=True)
class Request:
    steps: tuple[Step, ...]
    dry_run: bool = False
    key: str | None = None
    process: int = 0


class RefusedError(Exception):
    pass


@dataclass
class Model:
    """What ought to be there. `ids` are the labels ever asked for, in order."""

    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    seq: int = 1
    remembered: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def run(self, request: Request, plan: list[tuple[Step, str]]) -> Any:
        """The numbers and labels that the request gives, or the code of its refusal."""
        if request.key in self.remembered:
            used_for, answer = self.remembered[request.key]
            return answer if used_for == request.steps else ErrorCode.IDEMPOTENCY_KEY_REUSED
        before, seq = dict(self.labels), self.seq
        try:
            answer = [self._step(step, id_) for step, id_ in plan]
        except RefusedError:
            self.labels, self.seq = before, seq
            return ErrorCode.ALREADY_EXISTS
        if request.dry_run:
            self.labels, self.seq = before, seq
            answer = [(None, shown) for _, shown in answer]
        elif request.key is not None:
            self.remembered[request.key] = (request.steps, answer)
        return answer

    def _step(self, step: Step, id_: str) -> tuple[int | None, Any]:
        known = self.labels.get(id_)
        taken = any(name == step.word and other != id_ for other, (name, _) in self.labels.items())
        if step.verb == "refuse" or (step.verb != "create" and known is None):
            raise RefusedError
        if step.verb in {"create", "rename"} and taken:
            raise RefusedError
        if step.verb == "remove":
            del self.labels[id_]
            self.seq += 1
            return self.seq, None
        name, text = known or (step.word, "")
        after = {
            "create": (name, text),
            "rename": (step.word, text),
            "append": (name, text + step.word[0]),
        }[step.verb]
        if after == known:
            return None, after
        self.labels[id_] = after
        self.seq += 1
        return self.seq, after


def command(step: Step, id_: str) -> Command[Any]:
    """The same as a command, which looks up what it depends on, in the index or in the identity map."""

    async def decide(work: Work) -> Label | None:
        label = await work.get(Label, id_)
        if step.verb in {"create", "rename"}:
            found = await work.find(Label, {"folded": step.word.casefold()})
            if any(one.id != id_ for one in found):
                raise PastisError(ErrorCode.ALREADY_EXISTS, kind="label", field="name")
        if step.verb == "create":
            return work.add(new_label(work, step.word, id_))
        if label is None:
            raise PastisError(ErrorCode.ALREADY_EXISTS, kind="label", field="id")
        if step.verb == "remove":
            work.remove(label)
        elif step.verb == "rename":
            label = work.update(label, name=step.word, folded=step.word.casefold())
        else:
            label = work.update(label, description=label.description + step.word[0])
        if step.look or step.verb == "refuse":
            await work.count(Label, {}, 1)
        if step.verb == "refuse":
            raise PastisError(ErrorCode.ALREADY_EXISTS, kind="label", field="name")
        return None if step.verb == "remove" else label

    return Command(f"label.{step.verb}", decide, {Label: [id_]} if step.target % 2 else {})


def plan_of(request: Request, ids: list[str]) -> list[tuple[Step, str]]:
    plan = []
    for step in request.steps:
        if step.verb == "create":
            ids.append(new_id())
            plan.append((step, ids[-1]))
        else:
            plan.append((step, ids[-1 - step.target % len(ids)] if ids else new_id()))
    return plan


async def send(bench: Bench, request: Request, plan: list[tuple[Step, str]]) -> Any:
    outcomes = await bench.run_all(
        [command(step, id_) for step, id_ in plan],
        dry_run=request.dry_run,
        idempotency_key=request.key,
        fingerprint=repr(request.steps),
    )
    return [
        (one.seq, None if one.value is None else (one.value.name, one.value.description)) for one in outcomes
    ]


steps = st.builds(
    Step,
    verb=st.sampled_from(["create", "create", "rename", "append", "append", "remove", "refuse"]),
    target=st.integers(0, 3),
    word=st.sampled_from(NAMES),
    look=st.booleans(),
)
requests = st.builds(
    Request,
    steps=st.lists(steps, min_size=1, max_size=3).map(tuple),
    dry_run=st.sampled_from([False, False, False, True]),
    key=st.sampled_from([None, None, None, "first", "second"]),
    process=st.integers(0, 1),
)
rounds = st.lists(st.lists(requests, min_size=1, max_size=6), min_size=1, max_size=6)


@given(rounds=rounds)
@settings(max_examples=examples(60))
async def test_commands_together_do_what_they_do_one_by_one(
    services: Services, rounds: list[list[Request]]
) -> None:
    bench = await make_bench(services)
    model, ids = Model(), list[str]()
    for together in rounds:
        plans = [plan_of(request, ids) for request in together]
        # Dry runs are not part of a group: they come before it.
        order = sorted(range(len(together)), key=lambda place: not together[place].dry_run)
        expected = {place: model.run(together[place], plans[place]) for place in order}
        found = await settled(
            *[send(bench, request, plan) for request, plan in zip(together, plans, strict=True)]
        )
        answers = [one.code if isinstance(one, PastisError) else one for one in found]
        assert answers == [expected[place] for place in range(len(together))]
    stored = await bench.labels()
    assert {id_: (doc["name"], doc["description"]) for id_, doc in stored.items()} == model.labels
    assert (await bench.head(), await bench.seqs()) == (model.seq, list(range(1, model.seq + 1)))
    await check_replay(bench)


@given(rounds=rounds)
@settings(max_examples=examples(40))
async def test_two_processes_together_leave_what_their_log_says(
    services: Services, rounds: list[list[Request]]
) -> None:
    bench = await make_bench(services)
    processes = [bench, Bench(bench.database, make_writers(bench.database), bench.workspace_id)]
    ids: list[str] = []
    answers: dict[int, Any] = {}
    for together in rounds:
        plans = [plan_of(request, ids) for request in together]
        found = await settled(
            *[
                send(processes[request.process], request, plan)
                for request, plan in zip(together, plans, strict=True)
            ]
        )
        for request, one in zip(together, found, strict=True):
            assert isinstance(one, list | PastisError)
            if isinstance(one, list) and not request.dry_run:
                answers |= {seq: value for seq, value in one if seq is not None}
    assert await bench.seqs() == list(range(1, await bench.head() + 1))
    # Every committed command, and no other, was answered with the number and the state of its event.
    state: State = {}
    said: dict[int, Any] = {}
    for event in await bench.events():
        state = replay(state, [event])
        (op,) = event["ops"]
        now = state.get((op["kind"], op["id"]))
        said[event["seq"]] = now and (now["name"], now["description"])
    assert answers == {seq: value for seq, value in said.items() if seq > 1}
    await check_replay(bench)


async def check_replay(bench: Bench) -> None:
    events = await events_after(bench.database, bench.workspace_id)
    now = await snapshot(bench.database, bench.workspace_id)
    assert replay({}, events) == now
    for cut in range(len(events) + 1):
        assert walk_back(now, events[cut:]) == replay({}, events[:cut])


async def test_the_model_can_be_wrong(services: Services) -> None:
    """The comparison above notices a lost update."""
    bench = await make_bench(services)
    label = (await bench.run(on.create("Uploader"))).value
    await bench.run(on.append(label.id, "a"))
    await bench.database.collection(Label).update_one({"_id": label.id}, {"$set": {"description": ""}})
    with pytest.raises(AssertionError):
        await check_replay(bench)
