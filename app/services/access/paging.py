"""Keyset paging: a page begins behind the last item of the one before, wherever that is by then."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.utils import cursors


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: at most `limit` items behind `cursor`; `count` asks for the total too."""

    limit: int = 50
    cursor: str | None = None
    count: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Any]
    """Documents, or their JSON."""
    next_cursor: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A stored field to sort by, made unique by the id; `descending` turns both."""

    field: str
    descending: bool = False

    @property
    def direction(self) -> int:
        return -1 if self.descending else 1

    @property
    def sort(self) -> list[tuple[str, int]]:
        return [(self.field, self.direction), ("_id", self.direction)]

    def value(self, doc: Doc) -> Any:
        value: Any = doc
        for part in self.field.split("."):
            value = value[part]
        return value

    def behind(self, value: Any, id_: str) -> Doc:
        """What comes after an item. The plain bound on the field lets the index start there."""
        beyond, at = ("$lt", "$lte") if self.descending else ("$gt", "$gte")
        return {
            self.field: {at: value},
            "$or": [{self.field: {beyond: value}}, {self.field: value, "_id": {beyond: id_}}],
        }


def fingerprint(kind: str, workspace_id: str, query: Doc, order: Order) -> str:
    """What a cursor is bound to: the list that it was given out for."""
    parts = orjson.dumps(
        [kind, workspace_id, query, order.field, order.descending], option=orjson.OPT_SORT_KEYS
    )
    return hashlib.sha256(parts).hexdigest()


def read_cursor(text: str, secret: bytes, scope: str) -> tuple[Any, str]:
    """The sort value and id in a cursor; raises `invalid_cursor` for another list's or a forged one."""
    try:
        value, id_ = cursors.decode(text, secret, scope)
    except ValueError:
        raise PastisError(ErrorCode.INVALID_CURSOR) from None
    return value, id_


def cut(
    found: list[Doc], limit: int, order: Order, secret: bytes, scope: str
) -> tuple[list[Doc], str | None]:
    """A page of what was found, which is one more than the limit where there is more, and the next cursor."""
    page = found[:limit]
    return page, write_cursor(order, page[-1], secret, scope) if len(found) > limit else None


def write_cursor(order: Order, doc: Doc, secret: bytes, scope: str) -> str:
    """The cursor of the page that ends with a document; its times may be naive, and are UTC."""
    value = order.value(doc)
    if isinstance(value, datetime):
        value = value.replace(tzinfo=UTC)
    return cursors.encode([value, doc["_id"]], secret, scope)
