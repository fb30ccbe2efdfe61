"""One command: what it reads, writes, leaves in the log, and leaves alone."""

import asyncio
from typing import Any

import pytest

from app.core.documents import Doc, public
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.jobs import Job, JobKind, JobState
from app.core.unit_of_work import Command, Context, Work
from app.models.labels import Label
from app.models.workspaces import Workspace
from app.services.bootstrap import Services
from app.tests.support import bench as on
from app.tests.support.bench import ACTOR, SOURCE, Bench, make_bench, new_label
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


def decision(name: str, decide: Any) -> Command[Any]:
    return Command(name, decide)


async def test_a_founding_makes_the_head_and_the_first_event(services: Services) -> None:
    bench = await make_bench(services)
    assert await bench.head() == 1
    (event,) = await bench.events()
    assert (event["_id"], event["command"]) == (f"{bench.workspace_id}:1", "workspace.create")
    assert event["ops"][0]["set"]["name"] == "Fluid Project"


async def test_a_workspace_that_nobody_founded_takes_no_command(services: Services) -> None:
    bench = Bench(services.database, services.writers)
    with pytest.raises(PastisError) as caught:
        await bench.run(on.create("Accessibility"))
    assert caught.value.code is ErrorCode.NOT_FOUND
    assert (await bench.labels(), await bench.events(), await bench.head()) == ({}, [], 0)


async def test_a_creation_is_written_with_its_event(bench: Bench) -> None:
    outcome = await bench.run(on.create("Accessibility"))
    assert (outcome.seq, outcome.replayed, outcome.value.version) == (2, False, 2)
    stored = await bench.label(outcome.value.id)
    event = (await bench.events())[-1]
    assert event == {
        "_id": f"{bench.workspace_id}:2",
        "workspace_id": bench.workspace_id,
        "seq": 2,
        "at": stored["created_at"],
        "actor": ACTOR,
        "source": SOURCE,
        "command": "label.create",
        "mutation": None,
        "refs": [outcome.value.id],
        "ops": [
            {
                "kind": "label",
                "id": outcome.value.id,
                "verb": "create",
                "version": 2,
                "set": public(Label, stored),
                "before": {},
                "groups_before": [],
                "groups_after": ["workspace"],
                "project_id": None,
            }
        ],
    }
    assert "folded" not in event["ops"][0]["set"]


async def test_an_update_logs_just_the_fields_that_changed(bench: Bench) -> None:
    label = (await bench.run(on.create("Accessibility"))).value
    outcome = await bench.run(on.update(label.id, name="Accessibility", color="#2ca02c"))
    stored = await bench.label(label.id)
    (op,) = (await bench.events())[-1]["ops"]
    assert (stored["color"], stored["version"]) == ("#2ca02c", outcome.seq)
    assert op["set"] == {"color": "#2ca02c", "version": 3, "updated_at": stored["updated_at"]}
    assert op["before"] == {"color": "#1f77b4", "version": 2, "updated_at": label.updated_at}
    assert (op["verb"], op["groups_before"], op["groups_after"]) == ("update", ["workspace"], ["workspace"])


async def test_a_deletion_keeps_the_last_state_in_the_log(bench: Bench) -> None:
    label = (await bench.run(on.create("Accessibility"))).value
    before = public(Label, await bench.label(label.id))
    assert (await bench.run(on.remove(label.id))).seq == 3
    assert await bench.labels() == {}
    (op,) = (await bench.events())[-1]["ops"]
    assert (op["verb"], op["set"], op["before"]) == ("delete", {}, before)
    assert (op["groups_before"], op["groups_after"]) == (["workspace"], [])


async def test_a_change_to_what_is_there_already_is_no_change(bench: Bench) -> None:
    label = (await bench.run(on.create("Accessibility"))).value
    before = await bench.label(label.id)
    outcome = await bench.run(on.update(label.id, name="Accessibility"))
    assert (outcome.seq, outcome.value.version) == (None, 2)
    assert await bench.label(label.id) == before
    assert (await bench.head(), await bench.seqs()) == (2, [1, 2])


async def test_a_change_of_internal_fields_alone_is_written_without_event_and_version(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Label, "derive")  # as of those that follow from nothing
    label = (await bench.run(on.create("Accessibility"))).value
    before = await bench.label(label.id)
    outcome = await bench.run(on.update(label.id, folded="a11y"))
    assert outcome.seq is None
    assert await bench.label(label.id) == {**before, "folded": "a11y"}
    assert (await bench.head(), await bench.seqs()) == (2, [1, 2])


async def test_internal_and_public_fields_together_keep_the_internal_ones_out_of_the_log(
    bench: Bench,
) -> None:
    label = (await bench.run(on.create("Accessibility"))).value
    await bench.run(on.rename(label.id, "A11y"))
    (op,) = (await bench.events())[-1]["ops"]
    assert set(op["set"]) == set(op["before"]) == {"name", "version", "updated_at"}
    assert (await bench.label(label.id))["folded"] == "a11y"


async def test_one_command_is_one_event_whatever_it_changes(bench: Bench) -> None:
    first = (await bench.run(on.create("Uploader"))).value
    second = (await bench.run(on.create("Reorderer"))).value

    async def decide(work: Work) -> list[Label]:
        made = work.add(new_label(work, "Pager"))
        changed = work.update(await work.require(Label, first.id), color="#2ca02c")
        changed = work.update(changed, description="Everything about uploading")
        work.remove(await work.require(Label, second.id))
        return [made, changed]

    outcome = await bench.run(decision("label.tidy", decide))
    event = (await bench.events())[-1]
    assert [(op["verb"], op["version"]) for op in event["ops"]] == [
        ("create", 4),
        ("update", 4),
        ("delete", 4),
    ]
    assert set(event["ops"][1]["set"]) == {"color", "description", "version", "updated_at"}
    assert event["refs"] == sorted([outcome.value[0].id, first.id, second.id])
    assert await bench.names() == ["Pager", "Uploader"]
    assert await bench.head() == 4


async def test_what_is_made_and_removed_again_never_was(bench: Bench) -> None:
    async def decide(work: Work) -> None:
        label = work.add(new_label(work, "Short-lived"))
        assert [one.id for one in await work.find(Label, {"folded": "short-lived"})] == [label.id]
        work.remove(label)

    assert (await bench.run(decision("label.tidy", decide))).seq is None
    assert (await bench.labels(), await bench.head()) == ({}, 1)


async def test_what_is_removed_and_made_again_is_an_update(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value

    async def decide(work: Work) -> Label:
        work.remove(await work.require(Label, label.id))
        return work.add(new_label(work, "Uploader 2", label.id))

    await bench.run(decision("label.replace", decide))
    (op,) = (await bench.events())[-1]["ops"]
    assert (op["verb"], op["before"]["name"], op["set"]["name"]) == ("update", "Uploader", "Uploader 2")
    assert (await bench.label(label.id))["folded"] == "uploader 2"


async def test_an_id_is_given_once(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    for command in (on.create("Other", label.id), on.create("Uploader 2", label.id)):
        with pytest.raises(PastisError) as caught:
            await bench.run(command)
        assert caught.value.code is ErrorCode.ALREADY_EXISTS

    async def twice(work: Work) -> None:
        made = work.add(new_label(work, "Pager"))
        work.add(new_label(work, "Pager 2", made.id))

    with pytest.raises(PastisError) as caught:
        await bench.run(decision("label.create", twice))
    assert caught.value.code is ErrorCode.ALREADY_EXISTS
    assert (await bench.names(), await bench.head()) == (["Uploader"], 2)


async def test_reads_see_the_command_s_own_writes(bench: Bench) -> None:
    old = (await bench.run(on.create("Uploader"))).value
    gone = (await bench.run(on.create("Pager"))).value
    seen: dict[str, Any] = {}

    async def decide(work: Work) -> None:
        made = work.add(new_label(work, "Reorderer"))
        work.update(await work.require(Label, old.id), name="File uploader")
        work.remove(await work.require(Label, gone.id))
        seen["get"] = await work.get(Label, gone.id)
        seen["many"] = [one.name for one in await work.get_many(Label, [made.id, gone.id, old.id])]
        seen["find"] = [one.name for one in await work.find(Label, {}, [("name", 1)])]
        seen["first"] = [one.name for one in await work.find(Label, {}, [("name", -1)], limit=1)]
        seen["count"] = await work.count(Label, {}, 10)

    await bench.run(decision("label.tidy", decide))
    assert seen == {
        "get": None,
        "many": ["Reorderer", "File uploader"],
        "find": ["File uploader", "Reorderer"],
        "first": ["Reorderer"],
        "count": 2,
    }
    assert await bench.names() == ["File uploader", "Reorderer"]
    await bench.check_log()


async def test_another_workspace_s_documents_are_not_there(bench: Bench, services: Services) -> None:
    other = await make_bench(services)
    theirs = (await other.run(on.create("Theirs"))).value
    for command in (on.rename(theirs.id, "Mine"), on.remove(theirs.id)):
        with pytest.raises(PastisError) as caught:
            await bench.run(command)
        assert caught.value.code is ErrorCode.NOT_FOUND
    seen: list[Any] = []

    async def look(work: Work) -> None:
        seen.extend([await work.find(Label, {}), await work.count(Label, {}, 9), work.actor])

    await bench.run(decision("label.look", look))
    assert seen == [[], 0, ACTOR]
    assert (await other.label(theirs.id))["name"] == "Theirs"
    assert await bench.head() == 1


async def test_a_command_of_several_is_all_or_nothing(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    with pytest.raises(PastisError):
        await bench.run_all([on.create("Pager"), on.rename(label.id, "Renamed"), on.refuse()])
    assert (await bench.names(), await bench.seqs(), await bench.head()) == (["Uploader"], [1, 2], 2)
    outcomes = await bench.run_all([on.create("Pager"), on.update(label.id), on.rename(label.id, "Renamed")])
    assert [one.seq for one in outcomes] == [3, None, 4]
    assert (await bench.names(), await bench.seqs()) == (["Pager", "Renamed"], [1, 2, 3, 4])


async def test_several_commands_see_each_other(bench: Bench) -> None:
    label_id = new_id()
    commands = [on.create("Uploader", label_id), on.append(label_id, "one "), on.append(label_id, "two")]
    outcomes = await bench.run_all(commands)
    assert [one.value.description for one in outcomes] == ["", "one ", "one two"]
    assert (await bench.label(label_id))["description"] == "one two"
    await bench.check_log()


async def test_a_dry_run_answers_and_writes_nothing(bench: Bench) -> None:
    label = (await bench.run(on.create("Uploader"))).value
    outcome = await bench.run(on.rename(label.id, "Renamed"), dry_run=True, idempotency_key="a-key")
    assert (outcome.value.name, outcome.value.version, outcome.seq) == ("Renamed", 3, None)
    assert (await bench.names(), await bench.head(), await bench.mutations()) == (["Uploader"], 2, [])
    with pytest.raises(PastisError):
        await bench.run(on.refuse(), dry_run=True)


async def test_a_dry_run_is_refused_where_the_database_would_refuse_it(bench: Bench) -> None:
    await bench.run(on.create("Uploader"))
    with pytest.raises(PastisError) as caught:
        await bench.run(on.create("UPLOADER"), dry_run=True)
    assert caught.value.code is ErrorCode.ALREADY_EXISTS
    assert await bench.names() == ["Uploader"]


async def test_reactions_run_inside_the_command(services: Services) -> None:
    async def colour(work: Work, op: Doc) -> None:
        assert op["set"]["name"] == "Uploader"
        label = await work.require(Label, op["id"])
        workspace = await work.require(Workspace, work.workspace_id)
        work.update(label, color="#000000")
        work.update(workspace, description="Has labels")

    bench = await make_bench(services, reactions={("label", "create"): [colour]})
    await bench.run(on.create("Uploader"))
    event = (await bench.events())[-1]
    assert [(op["kind"], op["verb"]) for op in event["ops"]] == [("label", "create"), ("workspace", "update")]
    assert event["ops"][0]["set"]["color"] == "#000000"
    assert [one["color"] for one in (await bench.labels()).values()] == ["#000000"]


async def test_a_reaction_that_refuses_takes_the_command_with_it(services: Services) -> None:
    async def keep(_work: Work, op: Doc) -> None:
        raise PastisError(ErrorCode.IN_USE, kind=op["kind"], count=1)

    bench = await make_bench(services, reactions={("label", "delete"): [keep]})
    label = (await bench.run(on.create("Uploader"))).value
    with pytest.raises(PastisError) as caught:
        await bench.run(on.remove(label.id))
    assert caught.value.code is ErrorCode.IN_USE
    assert (await bench.names(), await bench.head()) == (["Uploader"], 2)


async def test_jobs_are_asked_for_with_the_commit_or_not_at_all(services: Services, bench: Bench) -> None:
    """Also by a command that changes nothing else; neighbours in the same transaction do not matter."""

    def asking(job_id: str, *, refused: bool = False, label: bool = False) -> Command[Any]:
        async def decide(work: Work) -> None:
            # Taken already: the application's worker is to leave it alone.
            work.ask(Job(id=job_id, kind=JobKind.MERGE, state=JobState.RUNNING, lease=job_id))
            if label:
                work.add(new_label(work, job_id))
            if refused:
                raise not_found("label")

        return decision("label.create", decide)

    async def asked(*job_ids: str) -> set[str]:
        found = services.database.collection(Job).find({"_id": {"$in": job_ids}})
        return {one["_id"] for one in await found.to_list()}

    ids = [new_id() for _ in range(5)]
    context, trial = Context(ACTOR, SOURCE), Context(ACTOR, SOURCE, dry_run=True)
    results = await asyncio.gather(
        services.writers.run(bench.workspace_id, asking(ids[0], label=True), context),
        services.writers.run(bench.workspace_id, asking(ids[1], label=True, refused=True), context),
        services.writers.run(bench.workspace_id, asking(ids[2]), context),
        services.writers.run(bench.workspace_id, asking(ids[3], label=True), trial),
        return_exceptions=True,
    )
    assert [isinstance(one, PastisError) for one in results] == [False, True, False, False]
    assert await asked(*ids) == {ids[0], ids[2]}
    with pytest.raises(PastisError):
        await services.writers.run_all(
            bench.workspace_id, [asking(ids[4], label=True), asking(ids[1], refused=True)], context
        )
    assert await asked(*ids) == {ids[0], ids[2]}
    await services.database.collection(Job).delete_many({"_id": {"$in": ids}})
