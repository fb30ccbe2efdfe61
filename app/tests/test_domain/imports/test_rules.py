"""The mapping, without anything around it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.imports import ImportState
from app.models.statuses import Category
from app.models.tasks import Priority, TaskType
from app.schemas.base import BLOCK_LENGTH, NAME_LENGTH, TITLE_LENGTH
from app.services.imports import rules
from app.services.imports.rules import Column
from app.utils.text import check_block, clean_line

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=700)
MAYBE = st.none() | TEXTS


@pytest.mark.parametrize(
    ("word", "type_", "known"),
    [
        ("Bug", TaskType.BUG, True),
        ("New Feature", TaskType.FEATURE, True),
        ("Improvement", TaskType.IMPROVEMENT, True),
        ("Epic", TaskType.EPIC, True),
        ("Story", TaskType.STORY, True),
        ("Task", TaskType.TASK, True),
        ("Sub-task", TaskType.TASK, True),
        ("Design", TaskType.TASK, False),
        (None, TaskType.TASK, False),
    ],
)
def test_types(word: str | None, type_: TaskType, known: bool) -> None:
    assert rules.task_type(word) == (type_, known)


@pytest.mark.parametrize(
    ("word", "priority", "known"),
    [
        ("Blocker", Priority.URGENT, True),
        ("Critical", Priority.HIGH, True),
        ("High", Priority.HIGH, True),
        ("Major", Priority.MEDIUM, True),
        ("Minor", Priority.LOW, True),
        ("Trivial", Priority.LOW, True),
        ("Odd", Priority.NONE, False),
        (None, Priority.NONE, False),
    ],
)
def test_priorities(word: str | None, priority: Priority, known: bool) -> None:
    assert rules.priority(word) == (priority, known)


@pytest.mark.parametrize(
    ("status", "resolution", "column", "known"),
    [
        ("Open", None, Column("Open", Category.TODO), True),
        ("Reopened", "Fixed", Column("Reopened", Category.TODO), True),
        ("Pull Request", None, Column("Pull Request", Category.IN_PROGRESS), True),
        ("Closed", "Fixed", Column("Closed", Category.DONE), True),
        ("Closed", None, Column("Closed", Category.DONE), True),
        ("Closed", "Won't Fix", Column("Canceled", Category.CANCELED), True),
        ("Resolved", "Won\u2019t Do", Column("Canceled", Category.CANCELED), True),
        ("Closed", "Duplicate", Column("Duplicate", Category.CANCELED), True),
        ("Awaiting Moon", None, Column("Awaiting Moon", Category.BACKLOG), False),
        (None, None, Column("Backlog", Category.BACKLOG), True),
    ],
)
def test_statuses(status: str | None, resolution: str | None, column: Column, known: bool) -> None:
    assert rules.column(status, resolution) == (column, known)


@given(MAYBE, MAYBE)
def test_every_status_has_a_name_that_can_be_kept(status: str | None, resolution: str | None) -> None:
    column, _ = rules.column(status, resolution)
    assert clean_line(column.name) == column.name
    assert len(column.name) <= NAME_LENGTH


@given(
    st.lists(st.builds(lambda word: rules.column(word, None)[0], MAYBE | st.sampled_from(["Open", "Closed"])))
)
def test_a_board_begins_somewhere_and_goes_from_left_to_right(columns: list[Column]) -> None:
    board = rules.board(columns)
    order = ["backlog", "todo", "in_progress", "done", "canceled"]
    places = [order.index(one.category) for one in board]
    assert places == sorted(places)
    assert any(one.category is Category.TODO for one in board)
    assert set(columns) <= set(board)


@given(MAYBE)
def test_names_and_titles_can_be_kept(text: str | None) -> None:
    name, title = rules.short_name(text), rules.title(text)
    assert name is None or (clean_line(name) == name and len(name) <= NAME_LENGTH)
    if title is None:
        return
    assert clean_line(title.text) == title.text
    assert len(title.text) <= TITLE_LENGTH
    if not title.cut and not title.cleaned:
        assert title.text == (text or "").strip()


@given(MAYBE)
def test_blocks_can_be_kept_and_lose_nothing_silently(text: str | None) -> None:
    mended = rules.block(text)
    assert check_block(mended.text) == mended.text
    if not mended.cut and not mended.cleaned:
        assert mended.text == (text or "").replace("\r\n", "\n").replace("\r", "\n")


def test_texts_that_are_too_long_are_cut() -> None:
    title = rules.title("x" * 501)
    assert title is not None
    assert (len(title.text), title.cut, title.cleaned) == (TITLE_LENGTH, True, False)
    assert rules.title("\u200b" * 600 + "x") is None
    block = rules.block("x\0" * BLOCK_LENGTH)
    assert (len(block.text), block.cut, block.cleaned) == (BLOCK_LENGTH, True, True)


KEYS = st.sampled_from([f"A-{number}" for number in range(1, 9)])


@given(
    st.dictionaries(KEYS, KEYS | st.just("B-1")), st.permutations([f"A-{number}" for number in range(1, 9)])
)
def test_parents_are_written_before_their_children(parents: dict[str, str], order: list[str]) -> None:
    lines = {key: line for line, key in enumerate(order, 1)}
    passes, circular = rules.parent_passes(parents, lines)
    for child, parent in parents.items():
        if child not in circular and parent in lines:
            assert (passes.get(parent, 0), lines[parent]) < (passes[child], lines[child])
    for child in circular:
        walked, key = [child], parents[child]
        while key != child:
            walked.append(key)
            assert len(walked) <= len(parents)
            key = parents[key]


def test_a_run_without_a_sign_of_life_was_interrupted() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for state in ImportState:
        assert rules.state_now(state, now, now) is state
    stale = now - rules.STALE - timedelta(seconds=1)
    assert rules.state_now(ImportState.RUNNING, stale, now) is ImportState.INTERRUPTED
    assert rules.state_now(ImportState.DONE, stale, now) is ImportState.DONE
