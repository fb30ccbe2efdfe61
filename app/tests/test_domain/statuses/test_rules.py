"""The pure rules of statuses, for any boards."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ErrorCode, PastisError
from app.models.statuses import Category, Status
from app.services.statuses import rules
from app.utils import ranks

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NAMES = ("Backlog", "Todo", "In Progress", "Done", "Released")


def status(id_: str, name: str = "Todo", category: Category = Category.TODO, rank: str = "a0") -> Status:
    fields: dict[str, Any] = {"workspace_id": "w", "project_id": "p", "created_at": NOW, "updated_at": NOW}
    return Status(id=id_, name=name, category=category, rank=rank, **fields)


def board(count: int, categories: list[Category] | None = None) -> list[Status]:
    return [
        status(f"s{number}", f"Status {number}", (categories or [Category.TODO] * count)[number], rank)
        for number, rank in enumerate(ranks.spread(count))
    ]


categories = st.lists(st.sampled_from(Category), min_size=1, max_size=8)


@given(categories=categories)
def test_new_tasks_begin_with_what_is_to_do(categories: list[Category]) -> None:
    statuses = board(len(categories), categories)
    chosen = rules.default_of(statuses)
    wanted = [Category.TODO, Category.BACKLOG, Category.IN_PROGRESS, Category.DONE, Category.CANCELED]
    nearest = min(wanted.index(one.category) for one in statuses)
    assert chosen == next(one for one in statuses if one.category is wanted[nearest])
    assert rules.default_of(statuses[::-1]) == chosen


def test_a_new_project_has_one_status_of_each_meaning() -> None:
    assert {category for _, category in rules.DEFAULTS} == set(Category)


@given(name=st.sampled_from(NAMES), own=st.booleans(), upper=st.booleans())
def test_no_two_statuses_are_called_alike(name: str, own: bool, upper: bool) -> None:
    statuses = [status(f"s{number}", one) for number, one in enumerate(NAMES[:4])]
    wanted = name.upper() if upper else name
    holder = next((one.id for one in statuses if one.name == name), None)
    if holder is None or own:
        rules.check_name(statuses, wanted, except_id=holder if own else None)
        return
    with pytest.raises(PastisError) as caught:
        rules.check_name(statuses, wanted)
    assert caught.value.code is ErrorCode.ALREADY_EXISTS


def test_a_board_has_an_end() -> None:
    rules.check_room(board(rules.MAX_STATUSES - 1))
    with pytest.raises(PastisError) as caught:
        rules.check_room(board(rules.MAX_STATUSES))
    assert caught.value.code is ErrorCode.LIMIT_REACHED


@given(
    count=st.integers(1, 6),
    moves=st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5)), max_size=20),
)
def test_any_moves_give_the_order_that_they_say(count: int, moves: list[tuple[int, int | None]]) -> None:
    statuses = board(count)
    expected = [one.id for one in statuses]
    for moved, behind in moves:
        one, after = statuses[moved % count], None if behind is None else f"s{behind % count}"
        if after == one.id:
            with pytest.raises(PastisError) as caught:
                rules.place_after(statuses, one, after)
            assert caught.value.code is ErrorCode.NOT_FOUND
            continue
        rank = rules.place_after(statuses, one, after)
        statuses = sorted(
            [other for other in statuses if other != one] + [one.model_copy(update={"rank": rank})],
            key=lambda status: status.rank,
        )
        expected.remove(one.id)
        expected.insert(0 if after is None else expected.index(after) + 1, one.id)
    assert [one.id for one in statuses] == expected
    assert len({one.rank for one in statuses}) == count


@given(count=st.integers(2, 6), place=st.integers(0, 5), after=st.integers(0, 5))
def test_there_is_room_behind_statuses_that_share_a_place(count: int, place: int, after: int) -> None:
    statuses = board(count)
    twin = status("twin", "Twin", rank=statuses[place % count].rank)
    crowded = sorted([*statuses, twin], key=lambda one: (one.rank, one.id))
    moved = next(one for one in crowded if one.id not in {"twin", f"s{after % count}"})
    rank = rules.place_after(crowded, moved, f"s{after % count}")
    assert rank > statuses[after % count].rank
    free = rules.free_rank(statuses, twin.rank)
    later = [one.rank for one in statuses if one.rank > twin.rank]
    assert free > twin.rank
    assert all(free < one for one in later)
    assert rules.free_rank([one for one in statuses if one.rank != twin.rank], twin.rank) == twin.rank


@given(categories=categories, name=st.sampled_from(NAMES), category=st.sampled_from(Category))
def test_the_counterpart_in_another_project(
    categories: list[Category], name: str, category: Category
) -> None:
    there = [
        status(f"s{number}", f"{NAMES[number % 5]}{' ' * (number // 5)}".lower(), one)
        for number, one in enumerate(categories)
    ]
    default = there[-1]
    chosen = rules.counterpart(there, status("here", name, category), default.id)
    called = [one for one in there if one.name.casefold() == name.casefold()]
    alike = [one for one in there if one.category is category]
    assert chosen == (called or alike or [default])[0]
    assert rules.counterpart(there, status("here", "Elsewhere", category), "gone") == (alike or there)[0]
