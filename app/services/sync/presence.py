"""Who is in a workspace, on which task, in which field. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from app.core.documents import Doc
from app.services.sync.reach import MEMBERSHIP, View
from app.services.sync.rules import RoleOf

GONE_SECONDS = 8.0
"""A process that has not written for so long has ended."""
Shown = Mapping[str, Doc]
"""By connection."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody through one connection: who is here twice is told of twice."""

    connection_id: str
    membership_id: str
    task_id: str | None = None
    project_id: str | None = None
    """The task's."""
    field: str | None = None
    typing: bool = False

    def as_doc(self) -> Doc:
        return {name: getattr(self, name) for name in self.__slots__}


class People:
    """Everybody in a workspace: of this process, and what other processes have written of theirs."""

    def __init__(self) -> None:
        self.own: dict[str, Person] = {}
        self._others: dict[str, tuple[datetime, float, dict[str, Person]]] = {}
        """By process: when it wrote, when that was first heard, and whom it has."""

    def __iter__(self) -> Iterator[Person]:
        yield from self.own.values()
        for _, _, people in self._others.values():
            yield from people.values()

    def hear(self, written: Iterable[Doc], now: float) -> bool:
        """What all other processes have written; whether anybody came, went or moved."""
        before = {process: people for process, (_, _, people) in self._others.items()}
        docs = {doc["_id"]: doc for doc in written}
        known = self._others
        self._others = {}
        for process, doc in docs.items():
            at, heard, people = known.get(process, (None, now, {}))
            if at != doc["at"]:
                heard, people = now, {one["connection_id"]: Person(**one) for one in doc["people"]}
            if now - heard <= GONE_SECONDS:
                self._others[process] = doc["at"], heard, people
        return before != {process: people for process, (_, _, people) in self._others.items()}

    def move(self, task_id: str, project_id: str) -> None:
        """A task is in another project now: other people see it, or nobody does."""
        for people in (self.own, *(people for _, _, people in self._others.values())):
            for id_, one in people.items():
                if one.task_id == task_id:
                    people[id_] = replace(one, project_id=project_id)

    def shown(self, view: View, role_of: RoleOf) -> Shown:
        """What a client is told: nothing of who is not to be known, nor of where they cannot look."""
        told = ((one.connection_id, _seen(view, one, role_of)) for one in self)
        return {id_: doc for id_, doc in told if doc is not None}


def _seen(view: View, person: Person, role_of: RoleOf) -> Doc | None:
    who = {"_id": person.membership_id, "role": role_of(person.membership_id)}
    if not view.reach.sees(MEMBERSHIP, who, None):
        return None
    told = {"connection_id": person.connection_id, "membership_id": person.membership_id}
    if person.task_id is None or not view.reach.sees("task", {}, person.project_id):
        return told | {"task_id": None, "field": None, "typing": False}
    return told | {"task_id": person.task_id, "field": person.field, "typing": person.typing}


def difference(before: Shown, now: Shown) -> Doc | None:
    """What makes of one the other; None for nothing."""
    here = [doc for id_, doc in now.items() if before.get(id_) != doc]
    gone = [id_ for id_ in before if id_ not in now]
    return {"here": here, "gone": gone} if here or gone else None
