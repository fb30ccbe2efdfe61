"""What a chain's hashes show, and what of the log is audited."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.documents import Doc
from app.models import ENTITIES
from app.models.audit import AuditKind
from app.services.audit import rules
from app.services.audit.rules import Finding, Flaw, Verifier, entry_hash

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
Chain = tuple[list[Doc], Doc]


def chain(length: int, floor: int = 0) -> Chain:
    """The entries behind the floor, and the head."""
    entries: list[Doc] = []
    previous = ""
    floor_hash = ""
    for n in range(1, length + 1):
        entry = {"chain": "c", "n": n, "at": AT, "detail": {"n": n}, "previous_hash": previous}
        entry["hash"] = previous = entry_hash(entry)
        entries.append({"_id": f"c:{n}", **entry})
        if n == floor:
            floor_hash = previous
    head = {"n": length, "hash": previous, "floor": floor, "floor_hash": floor_hash}
    return entries[floor:], head


def findings(entries: list[Doc], head: Doc | None) -> list[tuple[int, Flaw]]:
    verifier = Verifier("c", head)
    found: list[Finding] = []
    for entry in entries:
        found += verifier.see(entry)
    return [(one.n, one.flaw) for one in (*found, *verifier.end())]


LENGTHS = st.integers(2, 12)


@given(st.integers(0, 12), st.integers(0, 12))
def test_an_untouched_chain_has_no_flaw(length: int, floor: int) -> None:
    assert findings(*chain(length, min(length, floor))) == []


@given(LENGTHS, st.data())
def test_a_changed_entry_is_named(length: int, data: Any) -> None:
    entries, head = chain(length)
    n = data.draw(st.integers(1, length))
    entries[n - 1]["detail"] = {"n": -1}
    assert findings(entries, head) == [(n, Flaw.CHANGED)]


@given(LENGTHS, st.data())
def test_a_changed_entry_with_a_hash_made_anew_is_named(length: int, data: Any) -> None:
    entries, head = chain(length)
    n = data.draw(st.integers(1, length))
    entries[n - 1]["detail"] = {"n": -1}
    entries[n - 1]["hash"] = entry_hash(entries[n - 1])
    expected = (n + 1, Flaw.UNLINKED) if n < length else (n, Flaw.CHANGED)
    assert findings(entries, head) == [expected]


@given(LENGTHS, st.data())
def test_a_removed_entry_is_named(length: int, data: Any) -> None:
    entries, head = chain(length)
    n = data.draw(st.integers(1, length))
    del entries[n - 1]
    assert findings(entries, head) == [(n, Flaw.MISSING if n < length else Flaw.CUT_OFF)]


@given(LENGTHS, st.data())
def test_a_tail_that_was_cut_off_is_named(length: int, data: Any) -> None:
    entries, head = chain(length)
    kept = data.draw(st.integers(0, length - 1))
    assert findings(entries[:kept], head) == [(kept + 1, Flaw.CUT_OFF)]


@given(LENGTHS, st.data())
def test_an_inserted_entry_is_named(length: int, data: Any) -> None:
    entries, head = chain(length)
    n = data.draw(st.integers(1, length))
    forged = {**entries[n - 1], "detail": {"forged": True}}
    forged["hash"] = entry_hash(forged)
    moved = [{**entry, "n": entry["n"] + 1} for entry in entries[n - 1 :]]
    assert (n + 1, Flaw.CHANGED) in findings([*entries[: n - 1], forged, *moved], head)


@given(LENGTHS)
def test_an_appended_entry_that_does_not_follow_is_named(length: int) -> None:
    entries, head = chain(length)
    forged = {**entries[-1], "n": length + 1, "previous_hash": "0" * 64}
    forged["hash"] = entry_hash(forged)
    assert findings([*entries, forged], head) == [(length + 1, Flaw.UNLINKED)]


def test_a_floor_that_was_moved_is_named() -> None:
    entries, head = chain(6)
    assert findings(entries[3:], {**head, "floor": 3, "floor_hash": "0" * 64}) == [(4, Flaw.UNLINKED)]
    assert findings(entries[3:], head) == [(1, Flaw.MISSING)]


def test_a_head_that_is_gone_is_named() -> None:
    entries, _ = chain(3)
    assert findings(entries, None) == [(3, Flaw.HEADLESS)]


def test_a_head_that_is_behind_is_none() -> None:
    """Whoever wrote the last entry died before it told the head."""
    entries, _ = chain(3)
    assert findings(entries, chain(2)[1]) == []


def test_a_hash_is_over_every_member() -> None:
    entry = {"chain": "c", "n": 1, "at": AT, "detail": {"a": [1, None, True]}, "previous_hash": ""}
    known = entry_hash(entry)
    assert known == entry_hash({**dict(reversed(entry.items())), "_id": "c:1", "hash": "any"})
    for name in entry:
        assert entry_hash({**entry, name: "other"}) != known
    with pytest.raises(TypeError):
        entry_hash({**entry, "detail": {"a": object()}})


def event(command: str, *ops: tuple[str, str]) -> Doc:
    made = [
        {
            "kind": kind,
            "id": kind,
            "verb": verb,
            "set": {"role": "admin", "updated_at": AT, "removed_at": AT},
            "before": {},
        }
        for kind, verb in ops
    ]
    return {"seq": 7, "at": AT, "actor": {}, "source": {}, "command": command, "ops": made}


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (event("membership.remove", ("membership", "update")), AuditKind.MEMBERSHIP_REMOVE),
        (event("event.undo", ("membership", "update")), AuditKind.MEMBERSHIP_UPDATE),
        (event("import.people", ("membership", "create")), AuditKind.MEMBERSHIP_CREATE),
        (event("import.people", ("label", "create"), ("membership", "create")), AuditKind.MEMBERSHIP_CREATE),
        (
            event("workspace.create", ("workspace", "create"), ("membership", "create")),
            AuditKind.WORKSPACE_CREATE,
        ),
    ],
)
def test_what_is_copied_of_the_log(told: Doc, kind: AuditKind) -> None:
    assert rules.is_watched(told)
    copied = rules.from_event(told)
    assert (copied["kind"], copied["seq"], copied["at"]) == (kind, 7, AT)
    assert copied["detail"]["command"] == told["command"]
    assert copied["detail"]["changes"][0]["set"] == {
        "role": "admin",
        "removed_at": "2026-11-23T09:30:00.000Z",
    }


def test_an_event_of_many_changes_is_told_in_short() -> None:
    copied = rules.from_event(event("import.people", *[("membership", "create")] * 500))
    assert copied["detail"]["count"] == 500
    assert len(copied["detail"]["changes"]) == rules.MAX_CHANGES


def test_the_work_itself_is_not_audited() -> None:
    assert not rules.is_watched(event("task.create", ("task", "create")))


def test_every_change_of_what_is_watched_has_a_kind() -> None:
    assert set(rules.WATCHED) <= set(ENTITIES)
    for kind in rules.WATCHED:
        for verb in ("create", "delete", "update"):
            AuditKind(f"{kind}.{verb}")


def test_kinds_are_resource_and_action_in_order() -> None:
    names = [one.name for one in AuditKind]
    assert names == sorted(names)
    assert all(
        one.value == one.name.lower().replace("_", ".", one.value.count(".")) or "." in one.value
        for one in AuditKind
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_is_no_formula(text: str) -> None:
    line = rules.csv_line([text, "plain", 'a "b", c']).decode()
    assert line.startswith((f"'{text}", f"\"'{text}"))
    assert line.endswith('plain,"a ""b"", c"\r\n')
