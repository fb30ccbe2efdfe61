"""What is kept by a document's bytes is what the ordinary way makes of it."""

from datetime import UTC, datetime
from typing import Any

import bson
import orjson
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


def test_bytes_are_those_of_the_document() -> None:
    data = bson.encode(DOC)
    found = bson.decode(bson.encode({"documents": [DOC]}), sent_on.IN_BYTES)["documents"][0]
    assert sent_on.bytes_of(found) == data


def test_a_whole_document_says_where_it_is() -> None:
    doc = {**DOC, "workspace_id": "a workspace", "project_id": "a project"}
    whole = sent_on.whole(Task, bson.encode(doc))
    assert whole.place == {name: doc[name] for name in ("_id", "workspace_id", "project_id")}
    assert (whole.version, whole.json) == (3, dump(public(Task, doc)))
    assert sent_on.whole(Task, bson.encode(doc)) is whole


def test_a_long_document_is_not_kept() -> None:
    doc = {**DOC, "workspace_id": "w", "project_id": "p", "description": "x" * sent_on.LONGEST}
    whole = sent_on.whole(Task, bson.encode(doc))
    assert whole.json == dump(public(Task, doc))
    assert sent_on.whole(Task, bson.encode(doc)) is not whole


VALUES = st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text(st.characters(codec="utf-8"))


@settings(max_examples=examples(40))
@given(st.dictionaries(st.sampled_from(["title", "priority", "rank", "external", "version"]), VALUES))
def test_any_values_are_shown_as_always(values: dict[str, Any]) -> None:
    doc = {"_id": "x", **values}
    assert encoded(doc) == dump(public(Task, doc))
