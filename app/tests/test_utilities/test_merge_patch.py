import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.utils.merge_patch import diff, merge

# RFC 7396, appendix A.
APPENDIX_A = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

names = st.sampled_from("abcd")
solid = st.booleans() | st.integers(-1, 2) | st.text("xy", max_size=2)


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(leaves, lambda inner: st.dictionaries(names, inner) | st.lists(inner, max_size=3))


anything = trees(solid | st.none())
documents = st.dictionaries(names, trees(solid))


def exact(value: Any) -> str:
    """JSON text, in which True is not 1 as it is for Python."""
    return json.dumps(value, sort_keys=True)


def containers(value: Any) -> set[int]:
    if not isinstance(value, dict | list):
        return set()
    inner = value.values() if isinstance(value, dict) else value
    return {id(value)}.union(*map(containers, inner))


@pytest.mark.parametrize(("target", "patch", "result"), APPENDIX_A)
def test_merge_follows_the_table_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert exact(merge(target, patch)) == exact(result)


@given(anything, anything)
def test_merge_leaves_its_arguments_alone(target: Any, patch: Any) -> None:
    kept = copy.deepcopy((target, patch))
    merged = merge(target, patch)
    assert exact((target, patch)) == exact(kept)
    assert not containers(merged) & (containers(target) | containers(patch))


@given(anything, anything)
def test_merging_twice_changes_nothing_more(target: Any, patch: Any) -> None:
    merged = merge(target, patch)
    assert exact(merge(merged, patch)) == exact(merged)


def test_merge_keeps_the_order_of_names() -> None:
    assert list(merge({"a": 1, "b": {"x": 1}, "c": 3}, {"d": 4, "b": {"y": 2}, "a": 0})) == [
        "a",
        "b",
        "c",
        "d",
    ]


@given(documents, documents)
def test_diff_leads_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    kept = copy.deepcopy((before, after))
    patch = diff(before, after)
    assert exact(merge(before, patch)) == exact(after)
    assert exact((before, after)) == exact(kept)
    assert not containers(patch) & (containers(before) | containers(after))


@given(documents, documents)
def test_diff_is_empty_for_equals_alone(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert diff(before, copy.deepcopy(before)) == {}
    assert (diff(before, after) == {}) == (exact(before) == exact(after))


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 3}),
        ({"a": 1}, {}, {"a": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}),
        ({"a": 1}, {"a": {}}, {"a": {}}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, 3]}),
        ({"a": [None]}, {"a": [None, None]}, {"a": [None, None]}),
        ({"a": None}, {"a": None}, {}),
        ({"a": None}, {}, {"a": None}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": [{"b": 0}]}, {"a": [{"b": False}]}, {"a": [{"b": False}]}),
        ({"a": [{"b": 0}]}, {"a": [{"c": 0}]}, {"a": [{"c": 0}]}),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"a": 1.0}, {}),
    ],
)
def test_diff_examples(before: dict[str, Any], after: dict[str, Any], patch: dict[str, Any]) -> None:
    assert exact(diff(before, after)) == exact(patch)


def test_a_new_null_reads_as_a_removal() -> None:
    assert diff({"a": 1}, {"a": None}) == {"a": None}
    assert merge({"a": 1}, {"a": None}) == {}
    assert diff({}, {"a": None}) == {}
