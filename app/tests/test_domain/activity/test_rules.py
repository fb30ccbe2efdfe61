"""What the inverse of an operation is, and when it is still one: for any operations."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.models import ENTITIES
from app.models.permissions import Permission
from app.services.activity import rules

FIELDS = ("title", "priority", "estimate", "label_ids")
values = (
    st.none() | st.integers(0, 3) | st.sampled_from(["high", "low"]) | st.lists(st.integers(0, 2), max_size=2)
)
documents = st.fixed_dictionaries(dict.fromkeys(FIELDS, values))
verbs = st.sampled_from(["create", "update", "delete"])


def operation(before: Doc, after: Doc, version: int = 7) -> Doc:
    changed = [name for name in after if after[name] != before[name]]
    return {
        "verb": "update",
        "version": version,
        "set": {"version": version, "updated_at": "now", **{name: after[name] for name in changed}},
        "before": {"version": 3, "updated_at": "then", **{name: before[name] for name in changed}},
    }


@given(before=documents, after=documents)
def test_the_inverse_of_an_update_gives_back_what_it_changed(before: Doc, after: Doc) -> None:
    former = rules.former_values(operation(before, after), {**after, "version": 7, "updated_at": "now"})
    assert {**after, **former} == before
    assert former.keys().isdisjoint(rules.BOOKKEEPING)


@given(before=documents, after=documents, since=documents)
def test_it_is_one_as_long_as_nobody_changed_the_same_fields(before: Doc, after: Doc, since: Doc) -> None:
    op = operation(before, after)
    changed = op["set"].keys() - rules.BOOKKEEPING
    current = {**since, "version": 99, "updated_at": "later"}
    if all(since[name] == after[name] for name in changed):
        former = rules.former_values(op, current)
        assert former == {name: before[name] for name in changed}
        return
    with pytest.raises(PastisError) as caught:
        rules.former_values(op, current)
    params = {"reason": "changed_since", "event": 99}
    assert (caught.value.code, caught.value.params) == (ErrorCode.UNDO_CONFLICT, params)
    touched = {f"/{name}" for name in changed if since[name] != after[name]}
    assert {one.pointer for one in caught.value.errors} == touched


@given(made=st.integers(1, 9), present=st.integers(1, 9))
def test_what_was_made_may_go_until_somebody_works_on_it(made: int, present: int) -> None:
    op = {"version": made, "set": {"version": made, "title": "a", "rank": "b"}}
    current = {"version": present, "title": "a", "rank": "c"}
    if made == present:
        rules.check_untouched(op, current)
        return
    with pytest.raises(PastisError) as caught:
        rules.check_untouched(op, current)
    assert caught.value.params["event"] == present
    assert [one.pointer for one in caught.value.errors] == ["/rank"]


@given(ops=st.lists(verbs, max_size=8))
def test_backwards_but_what_comes_back_first_and_what_goes_last(ops: list[str]) -> None:
    numbered: list[dict[str, Any]] = [
        {"kind": "task", "verb": verb, "number": number} for number, verb in enumerate(ops)
    ]
    ordered = rules.undo_order(numbered)
    assert sorted(op["number"] for op in ordered) == list(range(len(ops)))
    places = [("delete", "update", "create").index(op["verb"]) for op in ordered]
    assert places == sorted(places)
    for verb in ("delete", "update", "create"):
        numbers = [op["number"] for op in ordered if op["verb"] == verb]
        assert numbers == sorted(numbers, reverse=True)


@given(kind=st.sampled_from(sorted(ENTITIES)), verb=verbs)
def test_one_must_be_allowed_to_do_the_inverse_by_hand(kind: str, verb: str) -> None:
    inverse = {"create": "delete", "update": "update", "delete": "create"}[verb]
    name = f"{kind}:{inverse}"
    if name in {permission.value for permission in Permission}:
        assert rules.permission_to_undo({"kind": kind, "verb": verb}) == name
        return
    with pytest.raises(PastisError) as caught:
        rules.permission_to_undo({"kind": kind, "verb": verb})
    assert caught.value.params == {"reason": "not_undoable"}
