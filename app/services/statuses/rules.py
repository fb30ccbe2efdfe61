"""Which statuses a project has. Pure."""

from collections.abc import Sequence

from app.core.errors import ErrorCode, PastisError, already_exists, not_found
from app.models.statuses import Category, Status
from app.utils import ranks

MAX_STATUSES = 50
DEFAULTS: Sequence[tuple[str, Category]] = (
    ("Backlog", Category.BACKLOG),
    ("Todo", Category.TODO),
    ("In Progress", Category.IN_PROGRESS),
    ("Done", Category.DONE),
    ("Canceled", Category.CANCELED),
)
_FIRST_CHOICE = (Category.TODO, Category.BACKLOG, Category.IN_PROGRESS, Category.DONE, Category.CANCELED)


def default_of(statuses: Sequence[Status]) -> Status:
    """The status that new tasks get: the first to do, else the first of what is nearest to that."""
    return min(statuses, key=lambda one: (_FIRST_CHOICE.index(one.category), one.rank))


def check_name(statuses: Sequence[Status], name: str, *, except_id: str | None = None) -> None:
    """Raises `already_exists` where another status of the project has the name, whatever its case."""
    if any(one.name.casefold() == name.casefold() and one.id != except_id for one in statuses):
        raise already_exists("status", "name")


def check_room(statuses: Sequence[Status]) -> None:
    if len(statuses) >= MAX_STATUSES:
        raise PastisError(ErrorCode.LIMIT_REACHED, kind="status", limit=MAX_STATUSES)


def place_after(statuses: Sequence[Status], moved: Status, after_id: str | None) -> str:
    """The rank right behind another status, or in front of all; raises `not_found` for a stranger."""
    others = [one for one in statuses if one.id != moved.id]
    if after_id is None:
        return ranks.between(None, others[0].rank if others else None)
    for one in others:
        if one.id == after_id:
            return _behind(others, one.rank)
    raise not_found("status")


def free_rank(statuses: Sequence[Status], rank: str) -> str:
    """The rank, or the next free place behind it where another status has it by now."""
    if all(one.rank != rank for one in statuses):
        return rank
    return _behind(statuses, rank)


def _behind(statuses: Sequence[Status], rank: str) -> str:
    return ranks.between(rank, min((one.rank for one in statuses if one.rank > rank), default=None))


def counterpart(statuses: Sequence[Status], model: Status, default_id: str) -> Status:
    """What a task's status becomes in another project: the same name, the same category, the default."""
    same_name = [one for one in statuses if one.name.casefold() == model.name.casefold()]
    same_category = [one for one in statuses if one.category == model.category]
    default = [one for one in statuses if one.id == default_id]
    return (same_name or same_category or default or list(statuses))[0]
