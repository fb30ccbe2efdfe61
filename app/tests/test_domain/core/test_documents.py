"""Our short ways between instances and documents are ODMantic's own."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.documents import loaded, public, stored
from app.models import ENTITIES
from app.models.tasks import Priority, Task

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

TASK: dict[str, Any] = {
    "workspace_id": "w",
    "project_id": "p",
    "key": "FLUID-1",
    "title": "Focus is lost",
    "status_id": "s",
    "category": "todo",
    "rank": "a0",
    "keys": ["FLUID-1"],
    "derived": {"state": "active", "lists": ["w"]},
    "created_at": NOW,
    "updated_at": NOW,
}


@given(
    title=st.text(),
    priority=st.sampled_from(list(Priority)),
    labels=st.lists(st.text()),
    external=st.none() | st.dictionaries(st.text(), st.integers() | st.lists(st.text())),
    completed_at=st.none() | st.just(NOW),
)
def test_tasks(**fields: Any) -> None:
    fields["label_ids"] = fields.pop("labels")
    task = Task(**{**TASK, "id": "t", **fields})
    doc = stored(task)
    assert doc == task.model_dump_doc()
    assert type(doc["priority"]) is str
    again = loaded(Task, doc)
    assert again == Task.model_validate_doc(doc) == task
    assert again.priority is task.priority
    assert public(Task, doc).keys() == (doc.keys() - {"_id", *Task.INTERNAL}) | {"id"}


@pytest.mark.parametrize("model", ENTITIES.values(), ids=ENTITIES.keys())
def test_every_kind_keeps_its_fields_under_their_names(model: Any) -> None:
    names = {name: field.key_name for name, field in model.__odm_fields__.items()}
    assert names == {name: "_id" if name == "id" else name for name in names}
    assert not model.__references__
