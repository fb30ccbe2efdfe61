"""What backups hold and lack, how they follow one another, and how documents follow their log."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.documents import Doc, derived
from app.core.unit_of_work.work import _operation
from app.models import DOCUMENTS, ENTITIES
from app.models.labels import Label
from app.schemas.backups import Backup, Manifest, Mark, Migrated
from app.services.backups import rules
from app.services.backups.envelope import BackupError
from app.tests.support.depth import examples
from app.utils.ids import new_id

START = datetime(2026, 11, 23, tzinfo=UTC)
MIGRATIONS = [Migrated(number=1, name="baseline")]
HOME = new_id()


def mark(**fields: Any) -> Mark:
    usual = {
        "id": "w",
        "slug": "fluid",
        "epoch": "e",
        "seq": 9,
        "floor": 0,
        "since": 0,
        "start": 5,
        "events": 9,
    }
    return Mark(**{**usual, **fields})


def manifest(number: int, *, full: bool = True, parent: str | None = None, **fields: Any) -> Manifest:
    usual = {"at": START + timedelta(days=number), "pastis": "1", "migrations": MIGRATIONS, "files": []}
    marks = fields.pop("workspaces", [mark()])
    return Manifest(number=number, full=full, parent=parent, workspaces=marks, **{**usual, **fields})


def test_every_collection_is_in_a_backup_or_left_out() -> None:
    placed = [*ENTITIES.values(), *rules.WHOLE, *rules.SINCE, *rules.LOG, *rules.LEFT_OUT]
    assert sorted(one.__name__ for one in placed) == sorted(one.__name__ for one in DOCUMENTS)


def test_internal_fields_follow_or_are_copied() -> None:
    """Whoever adds one that does neither would lose it in a restore."""
    values: dict[str, Any] = dict.fromkeys(
        ("membership_id", "team_id", "priority", "key", "due_date"), "none"
    )
    values |= {"name": "n", "workspace_id": "w", "project_id": "p", "status_id": "s", "parent_id": None}
    values |= {
        "assignee_ids": [],
        "label_ids": [],
        "former_keys": [],
        "trashed_at": None,
        "archived_at": None,
    }
    for model in ENTITIES.values():
        kept = {*derived(model, values), *rules.INTERNAL.get(model, ()), "workspace_id"}
        assert kept >= model.INTERNAL, model


def history(data: st.DataObject) -> tuple[list[dict[str, Doc]], list[Doc]]:
    """States of some labels, and the operations between them, as commands leave them."""
    states: list[dict[str, Doc]] = [{}]
    ops: list[Doc] = []
    ids = [new_id() for _ in range(3)]
    for seq in range(1, data.draw(st.integers(1, 12)) + 1):
        now, id_ = dict(states[-1]), data.draw(st.sampled_from(ids))
        before, after = now.get(id_), None
        if before is None or data.draw(st.booleans()):
            name = data.draw(st.sampled_from(["Bug", "BUG", "Idea"]))
            kept = before or {"_id": id_, "workspace_id": HOME, "description": "", "created_at": START}
            after = {**kept, "name": name, "color": "red", "version": seq, "updated_at": START}
            after |= derived(Label, after)
        op = _operation(Label, before, after, seq)
        assert op is not None
        ops.append(op)
        now.pop(id_, None)
        states.append(now if after is None else {**now, id_: after})
    return states, ops


@settings(max_examples=examples(100))
@given(data=st.data())
def test_documents_of_any_moments_come_to_one_and_go_back(data: st.DataObject) -> None:
    states, ops = history(data)
    start = data.draw(st.integers(0, len(ops)))
    docs: dict[str, Doc | None] = {}
    for id_ in {op["id"] for op in ops}:
        docs[id_] = states[data.draw(st.integers(start, len(ops)))].get(id_)
    for op in ops[start:] * data.draw(st.integers(1, 2)):  # what was interrupted may be done again
        docs[op["id"]] = rules.forward(Label, HOME, docs[op["id"]], op)
    assert {id_: doc for id_, doc in docs.items() if doc} == states[-1]
    seq = data.draw(st.integers(0, len(ops)))
    for op in reversed(ops[seq:]):
        docs[op["id"]] = rules.back(Label, HOME, docs[op["id"]], op)
    assert {id_: doc for id_, doc in docs.items() if doc} == states[seq]


def backup(number: int, *, full: bool = True, parent: str | None = None, sha256: str = "") -> Backup:
    return Backup(manifest=manifest(number, full=full, parent=parent), sha256=sha256 or f"hash {number}")


def increment(number: int) -> Backup:
    return backup(number, full=False, parent=f"hash {number - 1}")


def test_a_chain_stands_on_itself() -> None:
    rules.check_chain([backup(7, parent="anything")])
    rules.check_chain([backup(1), increment(2), increment(3)])
    for broken in (
        [increment(2)],
        [backup(1, sha256="another"), increment(2)],
        [backup(1), increment(3)],
        [backup(1), increment(2), backup(3, full=False, parent="another")],
    ):
        with pytest.raises(BackupError, match="does not stand"):
            rules.check_chain(broken)


def test_chains_are_kept_while_something_newer_needs_them() -> None:
    found = [backup(1), increment(2), backup(5), increment(6), backup(8)]
    assert [[one.number for one in chain] for chain in rules.chains(found)] == [[1, 2], [5, 6], [8]]
    assert [[one.number for one in chain] for chain in rules.chains(found[1:])] == [[2], [5, 6], [8]]
    for days, numbers in ((4, []), (5, [1, 2]), (7, [1, 2]), (8, [1, 2, 5, 6]), (99, [1, 2, 5, 6])):
        assert [one.number for one in rules.expired(found, START + timedelta(days=days))] == numbers


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ({}, None),
        ({"seq": 12, "floor": 9}, None),
        ({"seq": 12, "floor": 10}, "a log was shortened"),
        ({"epoch": "other"}, "a log has begun anew"),
        ({"seq": 8}, "a log has begun anew"),
        ({"_id": "new", "epoch": "n", "seq": 3}, "a workspace is gone"),
    ],
)
def test_an_increment_goes_on_from_the_log_alone(head: Doc, reason: str | None) -> None:
    heads = [{"_id": "w", "epoch": "e", "seq": 9, "floor": 0} | head]
    assert rules.why_full([backup(1)], heads, MIGRATIONS) == reason


def test_the_first_one_and_one_after_a_migration_are_full() -> None:
    heads = [{"_id": "w", "epoch": "e", "seq": 9, "floor": 0}]
    assert rules.why_full([], heads, MIGRATIONS) == "it is the first one"
    assert rules.why_full([backup(1)], heads, []) == "the data has been migrated"
    lost = [backup(1), increment(3)]
    assert rules.why_full(lost, heads, MIGRATIONS) == "one before it was changed or lost"
    new = {"_id": "new", "epoch": "n", "seq": 3, "floor": 0}
    assert rules.why_full([backup(1)], [*heads, new], MIGRATIONS) is None
    assert rules.why_full([backup(1)], [*heads, new | {"floor": 1}], MIGRATIONS) == "a log was shortened"


def test_marks_go_on_where_the_former_ended() -> None:
    head = {"_id": "w", "epoch": "e", "seq": 20, "floor": 3}
    assert (rules.mark(head, "fluid", None, 18).since, rules.mark(head, "fluid", None, 18).start) == (3, 18)
    went_on = rules.mark(head, "fluid", mark(), None)
    assert (went_on.since, went_on.start, went_on.seq, went_on.floor) == (9, 5, 20, 3)
    assert (rules.mark(head, "fluid", None, None).since, rules.mark(head, "fluid", None, None).start) == (
        0,
        0,
    )


def event(seq: int, workspace: str = "w", days: int = 0) -> Doc:
    return {"workspace_id": workspace, "seq": seq, "at": START + timedelta(days=days)}


def read(reader: rules.LogReader, number: int, *seqs: int, **fields: Any) -> None:
    reader.begin(manifest(number, full=number == 1, workspaces=[mark(**fields)]))
    for seq in seqs:
        reader.see(event(seq, days=seq))
    reader.end()


def test_the_log_goes_on_from_backup_to_backup() -> None:
    reader = rules.LogReader(START + timedelta(days=3))
    read(reader, 1, 1, 2, seq=2, events=2)
    read(reader, 2, 3, 5, 6, since=2, seq=6, events=3)
    assert (reader.events, reader.lacking, reader.later) == (5, 1, {"w": 5})


@pytest.mark.parametrize(
    ("seqs", "fields"),
    [
        ((3,), {"since": 3, "seq": 4, "events": 1}),  # it does not begin where the former ended
        ((3,), {"since": 2, "seq": 4, "events": 1, "epoch": "other"}),
        ((3,), {"since": 2, "seq": 4, "events": 2}),
        ((3, 4, 5), {"since": 2, "seq": 4, "events": 3}),
        ((4, 3), {"since": 2, "seq": 4, "events": 2}),
        ((2, 3), {"since": 2, "seq": 4, "events": 2}),
    ],
)
def test_a_log_that_does_not_go_on_is_refused(seqs: tuple[int, ...], fields: dict[str, Any]) -> None:
    reader = rules.LogReader()
    read(reader, 1, 1, 2, seq=2, events=2)
    with pytest.raises(BackupError):
        read(reader, 2, *seqs, **fields)


def test_an_event_of_a_strange_workspace_is_refused() -> None:
    reader = rules.LogReader()
    reader.begin(manifest(1))
    with pytest.raises(BackupError, match="not in its place"):
        reader.see(event(1, "another"))


def test_targets_are_named_by_id_or_slug_and_within_the_log() -> None:
    found = manifest(1, workspaces=[mark(floor=2), mark(id="v", slug="other")])
    assert rules.targets(found, {"fluid": 2, "v": 0}) == {"w": 2, "v": 0}
    assert rules.targets(found, {"w": 9}) == {}
    assert rules.targets(found, {}, {"w": 5, "v": 1}) == {"w": 4, "v": 0}
    for seqs, later, words in (
        ({"fluid": 1}, {}, "from 2 to 9"),
        ({"fluid": 10}, {}, "from 2 to 9"),
        ({"nobody": 1}, {}, "no workspace nobody"),
        ({}, {"w": 3}, "begins after that time"),
    ):
        with pytest.raises(BackupError, match=words):
            rules.targets(found, seqs, later)


def test_numbers_are_read_with_their_workspace() -> None:
    assert rules.wanted(["fluid=12", "a=b=0"]) == {"fluid": 12, "a=b": 0}
    for text in ("fluid", "=3", "fluid=", "fluid=-1", "fluid=x"):
        with pytest.raises(BackupError, match="WORKSPACE=NUMBER"):
            rules.wanted([text])
