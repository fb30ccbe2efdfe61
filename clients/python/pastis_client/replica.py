"""A local copy of what one may see of a workspace, kept true by frames. No I/O."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pastis_client.documents import Doc
from pastis_client.errors import ProtocolError

Key = tuple[str, str]
"""A kind and an id."""
Docs = dict[str, dict[str, Doc]]


class MissedError(ProtocolError):
    """A frame begins behind what the replica holds: ask again from its cursor."""


class ForeignEpochError(ProtocolError):
    """A frame of another life of the log: the replica is of no use any more."""


class CutError(ProtocolError):
    """A snapshot that is not whole: fetch it again."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a document, and the membership that did it, where one may know."""

    kind: str
    id: str
    before: Doc | None
    after: Doc | None
    by: str | None = None


Told = Callable[[Change], None]


@dataclass(frozen=True, slots=True)
class Frame:
    """All that one may see of the events after `since`, up to `to`."""

    epoch: str
    since: int
    to: int
    cursor: str
    ops: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Raises ProtocolError for what is no frame."""
        try:
            told = json.loads(text)
            ops = tuple(told["ops"])
            return cls(told["epoch"], int(told["from"]), int(told["to"]), told["cursor"], ops)
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"no frame: {text[:200]!r}") from error


class Replica:
    """Documents by kind and id, and how far they have come.

    A document is never changed in place: whoever holds one keeps what it was.
    """

    def __init__(self, epoch: str, number: int, cursor: str, docs: Docs | None = None) -> None:
        self.epoch = epoch
        self.number = number
        self.cursor = cursor
        self.docs: Docs = docs or {}

    def get(self, kind: str, id_: str) -> Doc | None:
        return self.docs.get(kind, {}).get(id_)

    def of_kind(self, kind: str) -> Mapping[str, Doc]:
        return self.docs.get(kind, {})

    def apply(self, frame: Frame, told: Told | None = None) -> set[Key]:
        """Take a frame; what it changed, as `told` is told one by one. A repeated frame changes nothing.

        Raises MissedError and ForeignEpochError, and then nothing has changed; ProtocolError for what is no
        operation: then the frame may be half taken, which the next one on the same number puts right.
        """
        if frame.epoch != self.epoch:
            raise ForeignEpochError(f"{frame.epoch} is not {self.epoch}")
        if frame.since != self.number:
            if frame.to <= self.number:
                return set()
            raise MissedError(f"at {self.number}, and the frame begins at {frame.since}")
        changed: set[Key] = set()
        for op in frame.ops:
            try:
                changed.update(self._take(op) if told is None else self._tell(op, told))
            except (KeyError, TypeError) as error:
                raise ProtocolError(f"no operation: {op!r}") from error
        self.number, self.cursor = frame.to, frame.cursor
        return changed

    def _tell(self, op: Mapping[str, Any], told: Told) -> Iterable[Key]:
        # Only purges reach further than one document.
        kinds = {op["kind"], "comment"} if op["verb"] == "purge" else set()
        many = {kind: dict(self.of_kind(kind)) for kind in kinds}
        one = self.get(op["kind"], op.get("id", ""))
        changed = set(self._take(op))
        for kind, id_ in sorted(changed):
            before = many[kind].get(id_) if many else one
            told(Change(kind, id_, before, self.get(kind, id_), op.get("by")))
        return changed

    def _take(self, op: Mapping[str, Any]) -> Iterable[Key]:
        match op["verb"]:
            case "create":
                return self._create(op["kind"], op["id"], op["version"], op["set"])
            case "update":
                return self._update(op["kind"], op["id"], op["version"], op["set"])
            case "delete":
                return self._delete(op["kind"], op["id"], op["version"])
            case "purge":
                return self._purge(op["kind"], op.get("id"), op.get("project_id"))
            case verb:
                raise ProtocolError(f"unknown verb {verb!r}")

    def _create(self, kind: str, id_: str, version: int, whole: Doc) -> Iterable[Key]:
        held = self.get(kind, id_)
        if held is not None and held["version"] >= version:
            return ()
        self.docs.setdefault(kind, {})[id_] = whole
        return ((kind, id_),)

    def _update(self, kind: str, id_: str, version: int, fields: Doc) -> Iterable[Key]:
        held = self.get(kind, id_)
        if held is None or held["version"] >= version:
            return ()
        self.docs[kind][id_] = {**held, **fields, "version": version}
        return ((kind, id_),)

    def _delete(self, kind: str, id_: str, version: int) -> Iterable[Key]:
        held = self.get(kind, id_)
        if held is None or held["version"] > version:
            return ()
        del self.docs[kind][id_]
        return ((kind, id_),)

    def _purge(self, kind: str, id_: str | None, project_id: str | None) -> Iterable[Key]:
        if id_ is not None:
            gone = self.docs.get(kind, {}).pop(id_, None)
            comments = self._remove("comment", lambda doc: doc["task_id"] == id_) if kind == "task" else set()
            return comments if gone is None else comments | {(kind, id_)}
        if project_id is not None:
            return self._remove(kind, lambda doc: self._project_of(kind, doc) == project_id)
        return self._remove(kind, lambda _: True)

    def _project_of(self, kind: str, doc: Doc) -> Any:
        if kind == "project":
            return doc["id"]
        if kind == "comment":
            task = self.get("task", doc["task_id"])
            return None if task is None else task["project_id"]
        return doc.get("project_id")

    def _remove(self, kind: str, goes: Callable[[Doc], bool]) -> set[Key]:
        held = self.docs.get(kind, {})
        gone = [id_ for id_, doc in held.items() if goes(doc)]
        for id_ in gone:
            del held[id_]
        return {(kind, id_) for id_ in gone}

    def differences(self, other: "Replica") -> set[Key]:
        """What one holds and the other does not, or holds in another state."""
        return {
            (kind, id_)
            for kind in self.docs.keys() | other.docs.keys()
            for id_ in self.of_kind(kind).keys() | other.of_kind(kind).keys()
            if self.get(kind, id_) != other.get(kind, id_)
        }

    def to_json(self) -> Doc:
        """As a Store keeps it; later frames do not change it."""
        docs = {kind: list(held.values()) for kind, held in self.docs.items()}
        return {"epoch": self.epoch, "number": self.number, "cursor": self.cursor, "docs": docs}

    @classmethod
    def from_json(cls, kept: Doc) -> Self:
        docs = {kind: {doc["id"]: doc for doc in held} for kind, held in kept["docs"].items()}
        return cls(kept["epoch"], kept["number"], kept["cursor"], docs)


class Snapshot:
    """A replica that is being read, line by line."""

    def __init__(self) -> None:
        self._replica: Replica | None = None
        self._count = 0
        self._promised: int | None = None

    def add(self, line: str | bytes) -> None:
        """Raises CutError for what is no line of a snapshot, or comes out of turn."""
        try:
            self._take(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            raise CutError(f"no line of a snapshot: {line[:200]!r}") from error

    def _take(self, told: Doc) -> None:
        if self._replica is None:
            self._replica = Replica(told["epoch"], int(told["seq"]), told["cursor"])
        elif "doc" in told:
            doc = told["doc"]
            self._replica.docs.setdefault(told["kind"], {})[doc["id"]] = doc
            self._count += 1
        else:
            self._promised = told["docs"] if told["end"] else None

    def finish(self) -> Replica:
        """The replica; raises CutError where the snapshot was cut."""
        if self._replica is None or self._promised != self._count:
            raise CutError(f"the snapshot was cut after {self._count} documents")
        return self._replica
