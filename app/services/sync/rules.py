"""What a client is told of events, and what its cursor says. Pure.

A frame covers `(from, to]`. A client that has what its view showed at `from`, and applies the operations of
the frame in their order, has what the view shows at `to`:

- `create`: the whole document, in the place of an older one;
- `update`: the fields of `set`, where it has an older one;
- `delete` and `purge` with an `id`: it is gone, or not to be seen any more, and a task's comments with it;
- `purge` without: so are all of a `kind`, in a project where one is named.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.services.sync.reach import MEMBERSHIP, View

_CURSOR = re.compile(r"([A-Za-z0-9-]{1,64})\.(0|[1-9][0-9]{0,17})\.([0-9a-f]{18})")
TASK = "task"
COMMENT = "comment"
PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a client has come: in which life of the log, to which number, and with which view."""

    epoch: str
    seq: int
    digest: str

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}.{self.digest}"


def read_cursor(text: str) -> Cursor:
    """Raises `invalid_cursor` for what was never one."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise PastisError(ErrorCode.INVALID_CURSOR)
    return Cursor(found[1], int(found[2]), found[3])


RoleOf = Callable[[str], str]
"""The present role of a membership, by its id."""
Key = tuple[str, str]
"""A document's kind and id."""


@dataclass(slots=True)
class Changes:
    """What a range of events is for a view."""

    ops: list[Doc] = field(default_factory=list)
    arrived: set[Key] = field(default_factory=set)
    """Documents that came into sight, to be looked up and told of whole; a task with its comments."""


def changes(events: Sequence[Doc], view: View, role_of: RoleOf) -> Changes:
    """What somebody whose view was this one before the events, and is after them, is told of them.

    It goes by what is seen in the end. A document that is out of sight then is not told of; one that went
    out of sight is purged; one that came, or went and came back, has `arrived`.
    """
    crossed = _crossed(events, view, role_of)
    found = Changes([_purge(key) for key in crossed], {key for key, seen in crossed.items() if seen})
    known_actor = cache(lambda id_: _known_actor(id_, view, role_of))  # few people change much
    for event in events:
        by = known_actor(event["actor"].get("membership_id"))
        for op in event["ops"]:
            if crossed and ((op["kind"], op["id"]) in crossed or (TASK, _task_of(op)) in crossed):
                continue
            values = op["before"] if op["verb"] == "delete" else op["set"]
            if view.reach.sees(op["kind"], _side(op, values, role_of), op["project_id"]):
                found.ops.append(_told(op, view, by))
    return found


@dataclass(frozen=True, slots=True)
class Departure:
    """A document was deleted, or left a project: what documents themselves do not tell."""

    seq: int
    kind: str
    id: str
    project_id: str | None
    """Where it was until then."""
    moved: bool

    @property
    def told(self) -> Doc:
        """The operation for who saw it there."""
        if self.moved:
            return _purge((self.kind, self.id))
        return {"verb": "delete", "kind": self.kind, "id": self.id, "version": self.seq, "by": None}


def departures(events: Iterable[Doc]) -> Iterator[Departure]:
    """Those in some events, in their order."""
    for event in events:
        for op in event["ops"]:
            deleted = op["verb"] == "delete"
            if deleted or _leaves_project(op):
                left = op["project_id"] if deleted else op["before"]["project_id"]
                yield Departure(event["seq"], op["kind"], op["id"], left, moved=not deleted)


def _leaves_project(op: Doc) -> bool:
    return bool(op["verb"] == "update" and op["kind"] == TASK and "project_id" in op["before"])


def projects_made(events: Iterable[Doc]) -> set[str]:
    """The projects that came with these events, so that these tell all of them."""
    return {
        op["id"]
        for event in events
        for op in event["ops"]
        if op["kind"] == PROJECT and op["verb"] == "create"
    }


def whole(kind: str, doc: Doc, view: View) -> Doc:
    """The operation that tells of a document as it is, to who has not been told of it."""
    told = {"verb": "create", "kind": kind, "id": doc["id"], "version": doc["version"], "by": None}
    return told | {"set": view.shown(kind, doc)}


def _crossed(events: Iterable[Doc], view: View, role_of: RoleOf) -> Mapping[Key, bool]:
    """The documents that came into sight or went out of it, and whether they are seen in the end."""
    found: dict[Key, bool] = {}
    for event in events:
        for op in event["ops"]:
            if not _may_cross(op, view):
                continue
            key, before = (op["kind"], op["id"]), op["before"]
            was = _sight(op, before, before.get("project_id", op["project_id"]), view, role_of)
            now = _sight(op, op["set"], op["project_id"], view, role_of)
            if key in found or was != now:
                found[key] = now[0]
    return found


def _may_cross(op: Doc, view: View) -> bool:
    """Tasks move between projects; members whom a guest sees for what they are become guests, too."""
    if op["verb"] != "update" or op["kind"] == TASK:
        return _leaves_project(op)
    return op["kind"] == MEMBERSHIP and view.reach.people is not None and "role" in op["before"]


def _sight(op: Doc, values: Doc, project_id: str | None, view: View, role_of: RoleOf) -> tuple[bool, bool]:
    """Whether a document is seen, and what is part of it."""
    seen = view.reach.sees(op["kind"], _side(op, values, role_of), project_id)
    return seen, op["kind"] == TASK and view.reach.sees(COMMENT, {}, project_id)


def _side(op: Doc, values: Doc, role_of: RoleOf) -> Doc:
    """What a document was, or is, as far as it decides who sees it."""
    if op["kind"] != MEMBERSHIP:
        return {}
    return {"_id": op["id"], "role": values.get("role") or role_of(op["id"])}


def _task_of(op: Doc) -> str:
    """The task that a comment is of."""
    if op["kind"] != COMMENT:
        return ""
    return str((op["groups_after"] or op["groups_before"])[0]).removeprefix("task:")


def _known_actor(id_: str | None, view: View, role_of: RoleOf) -> str | None:
    if id_ is None or not view.reach.sees(MEMBERSHIP, {"_id": id_, "role": role_of(id_)}, None):
        return None
    return id_


def _told(op: Doc, view: View, by: str | None) -> Doc:
    told = {"verb": op["verb"], "kind": op["kind"], "id": op["id"], "version": op["version"], "by": by}
    if op["verb"] != "delete":
        told["set"] = view.shown(op["kind"], op["set"])
    return told


def _purge(key: Key) -> Doc:
    return {"verb": "purge", "kind": key[0], "id": key[1]}
