"""What is kept by a document's bytes is what the ordinary way makes of it."""

from datetime import UTC, datetime
from typing import Any

import bson
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.database import sent_on
from app.core.documents import dump, public
from app.models.tasks import Task
from app.tests.support.depth import examples

DOC = {
    "_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "title": "Focus is lost",
    "keys": ["P-1"],
    "derived": {"lists": ["x"]},
    "version": 3,
    "estimate": 2.5,
    "created_at": datetime(2026, 11, 30, 17, 10, 0, 120000, tzinfo=UTC),
    "external": None,
}


def encoded(doc: dict[str, Any]) -> bytes:
    return orjson.dumps(sent_on.shown(Task, bson.encode(doc)))


def test_a_document_is_shown_as_always() -> None:
    assert encoded(DOC) == dump(public(Task, DOC))
    assert b"keys" not in encoded(DOC)
    assert b'"created_at":"2026-11-30T17:10:00.120Z"' in encoded(DOC)


def test_a_change_shows_at_once() -> None:
    assert encoded({**DOC, "title": "Focus is kept"}) != encoded(DOC)
    assert sent_on.shown(Task, bson.encode(DOC)) is sent_on.shown(Task, bson.encode(DOC))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_batch_is_split_into_its_documents(count: int) -> None:
    docs = [bson.encode({"_id": number, "title": "x" * number}) for number in range(count)]
    assert list(sent_on.split(b"".join(docs))) == docs


VALUES = st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text(st.characters(codec="utf-8"))


@settings(max_examples=examples(40))
@given(st.dictionaries(st.sampled_from(["title", "priority", "rank", "external", "version"]), VALUES))
def test_any_values_are_shown_as_always(values: dict[str, Any]) -> None:
    doc = {"_id": "x", **values}
    assert encoded(doc) == dump(public(Task, doc))
