"""The pure rules of tasks, for any values."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymongo import IndexModel

from app.core.documents import Doc, stored
from app.core.errors import ErrorCode, FieldCode, PastisError
from app.models.projects import Project
from app.models.statuses import Category, Status
from app.models.tasks import NO_DUE_DATE, PRIORITY_ORDER, SORTS, Priority, State, Task
from app.services.tasks import rules
from app.services.tasks.rules import TaskFilter
from app.utils.ids import new_id

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
EARLIER = datetime(2026, 11, 20, tzinfo=UTC)
STAMP: dict[str, Any] = {"workspace_id": new_id(), "created_at": EARLIER, "updated_at": EARLIER}
INDEXES = [one.document for one in Task.__indexes__() if isinstance(one, IndexModel)]
moments = st.none() | st.datetimes(timezones=st.just(UTC))
days = st.none() | st.dates().map(str)
ids = st.integers(0, 5).map(lambda number: f"id-{number}")


def task(**fields: Any) -> Task:
    given_fields = {
        "id": new_id(),
        "project_id": "project",
        "key": "FLUID-1",
        "title": "Focus is lost",
        "status_id": "todo",
        "category": Category.TODO,
        "rank": "a0",
        **fields,
    }
    return Task(**STAMP, **given_fields)


def derived(**fields: Any) -> Doc:
    return Task.derive(stored(task(**fields)))


def project(**fields: Any) -> Project:
    return Project(
        **STAMP,
        **{
            "id": "project",
            "key": "FLUID",
            "name": "Fluid",
            "description": "",
            "default_status_id": "todo",
            **fields,
        },
    )


def status(category: Category) -> Status:
    return Status(
        **STAMP, id=f"{category}-status", project_id="project", name=category, category=category, rank="a0"
    )


@given(archived=moments, trashed=moments, due=days, priority=st.sampled_from(Priority))
def test_what_lists_sort_by_follows_from_what_people_see(
    archived: datetime | None, trashed: datetime | None, due: str | None, priority: Priority
) -> None:
    fields = {"archived_at": archived, "trashed_at": trashed, "due_date": due, "priority": priority}
    found = derived(**fields)["derived"]
    put_away = State.TRASHED if trashed else State.ARCHIVED if archived else State.ACTIVE
    assert found["state"] == put_away.value
    assert (found["due"] == NO_DUE_DATE) == (due is None or due == NO_DUE_DATE)
    assert found["due"] == due or due is None
    assert found["priority"] == PRIORITY_ORDER[priority.value]


def test_the_most_urgent_comes_first_and_no_date_last() -> None:
    order = [Priority.URGENT, Priority.HIGH, Priority.MEDIUM, Priority.LOW, Priority.NONE]
    assert sorted(Priority, key=lambda one: PRIORITY_ORDER[one]) == order
    assert sorted(PRIORITY_ORDER) == sorted(Priority)
    assert derived()["derived"]["due"] > derived(due_date="9999-12-30")["derived"]["due"]


@given(parent=st.none() | ids, labels=st.lists(ids), assignees=st.lists(ids), former=st.lists(ids))
def test_a_task_is_on_the_list_of_all_that_it_names(
    parent: str | None, labels: list[str], assignees: list[str], former: list[str]
) -> None:
    found = derived(parent_id=parent, label_ids=labels, assignee_ids=assignees, former_keys=former)
    named = {STAMP["workspace_id"], "project", "todo", *labels, *assignees, *([parent] if parent else [])}
    assert set(found["derived"]["lists"]) == named
    assert found["keys"] == ["FLUID-1", *former]
    assert found.keys() == Task.INTERNAL


@given(before=st.sampled_from(Category), after=st.sampled_from(Category))
def test_a_task_is_completed_and_canceled_by_the_meaning_of_its_status(
    before: Category, after: Category
) -> None:
    entered = rules.status_changes(status(before), EARLIER)
    present = task(**entered)
    assert (present.completed_at is not None) == (before is Category.DONE)
    assert (present.canceled_at is not None) == (before is Category.CANCELED)
    changes = rules.status_changes(status(after), NOW, present)
    changed = Task.model_validate_doc(
        {**stored(present), **{k: getattr(v, "value", v) for k, v in changes.items()}}
    )
    assert (changed.status_id, changed.category) == (f"{after}-status", after)
    for name, category in (("completed_at", Category.DONE), ("canceled_at", Category.CANCELED)):
        expected = None if after is not category else (EARLIER if before is category else NOW)
        assert getattr(changed, name) == expected


@given(start=days, due=days)
def test_an_end_is_not_before_its_start(start: str | None, due: str | None) -> None:
    if start is not None and due is not None and due < start:
        with pytest.raises(PastisError) as caught:
            rules.check_dates(start, due)
        (error,) = caught.value.errors
        assert (error.pointer, error.code) == ("/due_date", FieldCode.WRONG_ORDER)
    else:
        rules.check_dates(start, due)


@given(archived=moments, trashed=moments)
def test_what_is_put_away_is_not_changed(archived: datetime | None, trashed: datetime | None) -> None:
    one = task(archived_at=archived, trashed_at=trashed)
    if archived is None and trashed is None:
        rules.check_changeable(one)
        return
    with pytest.raises(PastisError) as caught:
        rules.check_changeable(one)
    assert caught.value.code is (ErrorCode.TRASHED if trashed else ErrorCode.ARCHIVED)


@given(archived=moments)
def test_an_archived_project_is_closed(archived: datetime | None) -> None:
    if archived is None:
        rules.check_open(project())
        return
    with pytest.raises(PastisError) as caught:
        rules.check_open(project(archived_at=archived))
    assert (caught.value.code, caught.value.params) == (ErrorCode.ARCHIVED, {"kind": "project"})


@given(child=ids, chain=st.lists(ids, max_size=25))
def test_ancestors(child: str, chain: list[str]) -> None:
    ancestors = [task(id=one) for one in chain]
    if child in chain:
        expected: ErrorCode | None = ErrorCode.CYCLE
    else:
        expected = ErrorCode.LIMIT_REACHED if len(chain) >= rules.MAX_DEPTH else None
    if expected is None:
        rules.check_parents(child, ancestors)
        return
    with pytest.raises(PastisError) as caught:
        rules.check_parents(child, ancestors)
    assert caught.value.code is expected


@given(way=st.lists(st.sampled_from(["FLUID", "INFRA", "FLUIDX", "F2"]), min_size=1, max_size=12))
def test_a_task_has_one_key_in_each_project_for_ever(way: list[str]) -> None:
    """Moved along any way, it comes back to the key that it had, and no number is given twice."""
    last = dict.fromkeys(way, 5)
    moved = task(key="HOME-1")
    had: dict[str, str] = {}
    present = "HOME"
    for target in way:
        if target == present:
            continue
        before = last[target]
        key, last[target] = rules.next_key(moved, project(id=target, key=target, last_task_number=before))
        assert re.fullmatch(rf"{target}-\d+", key)
        assert had.setdefault(target, key) == key
        assert last[target] in {before, before + 1}
        former = [one for one in [*moved.former_keys, moved.key] if one != key]
        moved = moved.model_copy(update={"key": key, "former_keys": former})
        present = target
    keys = [moved.key, *moved.former_keys]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {"HOME-1", *had.values()}


@given(text=st.text(min_size=1, max_size=30))
def test_searched_text_is_text_and_no_pattern(text: str) -> None:
    pattern = rules.query(TaskFilter(text=text), "w")["title"]
    assert pattern["$options"] == "i"
    assert re.search(pattern["$regex"], f"before {text} after", re.IGNORECASE)
    assume(not re.search(re.escape(text), "zz", re.IGNORECASE))
    assert not re.search(pattern["$regex"], "zz", re.IGNORECASE)


filters = st.builds(
    TaskFilter,
    state=st.sampled_from(State),
    project_id=st.none() | ids,
    status_ids=st.lists(ids, max_size=2).map(tuple),
    categories=st.lists(st.sampled_from(Category), max_size=2).map(tuple),
    assignee_ids=st.lists(st.none() | ids, max_size=2).map(tuple),
    label_ids=st.lists(ids, max_size=2).map(tuple),
    priorities=st.lists(st.sampled_from(Priority), max_size=2).map(tuple),
    parent_ids=st.lists(st.none() | ids, max_size=1).map(tuple),
    since=st.lists(st.tuples(st.sampled_from(["created_at", "updated_at"]), st.just(NOW)), max_size=2).map(
        tuple
    ),
    until=st.lists(
        st.tuples(st.just("created_at"), st.just(NOW))
        | st.tuples(st.just("due_date"), st.just("2026-12-18")),
        max_size=2,
    ).map(tuple),
)


@given(wanted=filters, sort=st.sampled_from(sorted(SORTS)), descending=st.booleans())
def test_a_filter_becomes_a_query_and_an_index_that_fits_it(
    wanted: TaskFilter, sort: str, descending: bool
) -> None:
    query = rules.query(wanted, "w")
    assert query["derived.state"] == wanted.state.value
    for field, values in (
        ("project_id", wanted.project_id),
        ("status_id", wanted.status_ids),
        ("category", wanted.categories),
        ("assignee_ids", wanted.assignee_ids),
        ("label_ids", wanted.label_ids),
        ("priority", wanted.priorities),
        ("parent_id", wanted.parent_ids),
    ):
        assert (field in query) == bool(values)
    for field, _ in wanted.since:
        assert query[field]["$gte"] == NOW
    for field, value in wanted.until:
        # Until a day means with that day, until a moment without it.
        assert query[field]["$lte" if field == "due_date" else "$lt"] == value
    assert query["derived.lists"] in {
        "w",
        wanted.project_id,
        *wanted.status_ids,
        *wanted.assignee_ids,
        *wanted.label_ids,
        *wanted.parent_ids,
    }
    (fields,) = [list(known["key"]) for known in INDEXES if known["name"] == f"tasks_by_{sort}"]
    order = rules.order_for(sort, descending=descending)
    # The index ends with the order; all before it is given by the filter as one value.
    assert fields[-2:] == [name for name, _ in order.sort]
    bound = [name for name in fields if name not in {"workspace_id", "_id", order.field}]
    assert all(isinstance(query[name], str) for name in bound)


@given(named=st.lists(st.sampled_from("abcd"), unique=True), former=st.sampled_from("abcd"))
def test_who_takes_anothers_place_is_named_once(named: list[str], former: str) -> None:
    replaced = rules.replaced(named, former, "d")
    assert set(replaced) == {"d" if one == former else one for one in named}
    assert len(set(replaced)) == len(replaced)
    if former not in named:
        assert replaced == named
