"""Keyset paging against the slices of a sorted list."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.services.access.paging import Order, fingerprint, read_cursor, write_cursor

SECRET = b"a secret of the tests, long enough for anything"
fields = st.sampled_from(["rank", "derived.due"])
values = st.sampled_from(["a0", "a1", "a1V", "b00", "Zz"])
orders = st.builds(Order, fields, st.booleans())
scalars = (
    st.text(max_size=50)
    | st.integers(-(2**53), 2**53)
    | st.datetimes(timezones=st.just(UTC)).map(lambda one: one.replace(microsecond=0))
)


def document(order: Order, value: Any, id_: str) -> Doc:
    first, _, rest = order.field.partition(".")
    return {first: {rest: value} if rest else value, "_id": id_}


def matches(doc: Doc, order: Order, query: Doc) -> bool:
    """What the database does with the query that `behind` gives."""
    compare = {
        "$gt": lambda a, b: a > b,
        "$gte": lambda a, b: a >= b,
        "$lt": lambda a, b: a < b,
        "$lte": lambda a, b: a <= b,
    }

    def one(name: str, condition: Any) -> bool:
        value = doc["_id"] if name == "_id" else order.value(doc)
        if not isinstance(condition, dict):
            return bool(value == condition)
        return all(compare[operator](value, bound) for operator, bound in condition.items())

    bounds = {name: condition for name, condition in query.items() if name != "$or"}
    return all(one(*bound) for bound in bounds.items()) and any(
        all(one(*bound) for bound in branch.items()) for branch in query["$or"]
    )


@given(order=orders, sorted_by=st.lists(values, min_size=1, max_size=12), place=st.integers(0, 11))
def test_behind_an_item_is_the_rest_of_the_list(order: Order, sorted_by: list[str], place: int) -> None:
    docs = [document(order, value, f"id-{number:02}") for number, value in enumerate(sorted_by)]
    docs.sort(key=lambda doc: (order.value(doc), doc["_id"]), reverse=order.descending)
    last = docs[place % len(docs)]
    query = order.behind(order.value(last), last["_id"])
    assert [doc for doc in docs if matches(doc, order, query)] == docs[place % len(docs) + 1 :]


@given(order=orders, sorted_by=st.lists(values, max_size=12), limit=st.integers(1, 4))
def test_pages_add_up_to_the_list(order: Order, sorted_by: list[str], limit: int) -> None:
    docs = [document(order, value, f"id-{number:02}") for number, value in enumerate(sorted_by)]
    docs.sort(key=lambda doc: (order.value(doc), doc["_id"]), reverse=order.descending)
    seen: list[Doc] = []
    query: Doc | None = None
    for _ in range(len(docs) + 1):
        page = [doc for doc in docs if query is None or matches(doc, order, query)][:limit]
        seen += page
        if len(page) < limit:
            break
        query = order.behind(order.value(page[-1]), page[-1]["_id"])
    assert seen == docs


@given(order=orders, value=scalars)
def test_a_cursor_holds_where_a_page_ended(order: Order, value: Any) -> None:
    scope = fingerprint("task", "w", {"project_id": "p"}, order)
    text = write_cursor(order, document(order, value, "id-1"), SECRET, scope)
    assert read_cursor(text, SECRET, scope) == (value, "id-1")


@given(order=orders)
def test_a_cursor_is_good_for_its_own_list_only(order: Order) -> None:
    query = {"project_id": "p", "created_at": {"$gte": datetime(2026, 11, 23, tzinfo=UTC)}}
    scope = fingerprint("task", "w", query, order)
    text = write_cursor(order, document(order, "a0", "id-1"), SECRET, scope)
    others = [
        fingerprint("comment", "w", query, order),
        fingerprint("task", "other", query, order),
        fingerprint("task", "w", {**query, "project_id": "q"}, order),
        fingerprint("task", "w", {}, order),
        fingerprint("task", "w", query, Order(order.field, not order.descending)),
        fingerprint("task", "w", query, Order("due", order.descending)),
    ]
    assert len({scope, *others}) == len(others) + 1
    for other in others:
        with pytest.raises(PastisError) as caught:
            read_cursor(text, SECRET, other)
        assert caught.value.code is ErrorCode.INVALID_CURSOR
    with pytest.raises(PastisError):
        read_cursor(text, b"another secret", scope)
    # The order in which a filter was put together does not matter.
    assert fingerprint("task", "w", dict(reversed(query.items())), order) == scope
