"""What somebody is sent of a workspace: what their rights reach, within what they asked for. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import orjson

from app.core.documents import Doc
from app.models import ENTITIES
from app.services.access.standing import People, Standing
from app.services.memberships.rules import for_visitors

Kinds = frozenset[str]
NO_KINDS: Kinds = frozenset()
MEMBERSHIP = "membership"
OF_WORKSPACE: Kinds = frozenset(kind for kind, model in ENTITIES.items() if model.PROJECT is None)
OF_PROJECT: Kinds = frozenset(ENTITIES) - OF_WORKSPACE
NAMING = frozenset({"id", "workspace_id", "project_id", "task_id", "version"})
"""What a selection of fields never leaves out: which document it is, and what it is part of."""
DIGEST_BYTES = 9
_PARTS_FIRST = ("comment", "task", "status", "grant", "link", "project")


@dataclass(frozen=True, slots=True)
class Reach:
    """The kinds of documents that somebody sees, of the workspace as a whole and in each project."""

    workspace: Kinds
    projects: Mapping[str, Kinds]
    people: People | None = None
    """Which memberships, for who does not see them all."""
    everywhere: Kinds = NO_KINDS
    """The kinds that are seen in all projects that there are; none in what is only a part of a reach."""

    def sees(self, kind: str, doc: Doc, project_id: str | None) -> bool:
        """Whether a document is seen; of a membership `doc` has at least `_id` and `role`."""
        if project_id is not None:
            return kind in self.projects.get(project_id, NO_KINDS)
        if kind == MEMBERSHIP and self.people is not None:
            return kind in self.workspace and self.people.sees(doc)
        return kind in self.workspace

    def __bool__(self) -> bool:
        return bool(self.workspace or self.projects)


def reach_of(standing: Standing, project_ids: Iterable[str]) -> Reach:
    """What a standing lets read, in these projects."""
    seen = {id_: _readable(standing.in_project(id_), OF_PROJECT) for id_ in project_ids}
    return Reach(
        _readable(standing.permissions, OF_WORKSPACE),
        {id_: kinds for id_, kinds in seen.items() if kinds},
        standing.people,
        OF_PROJECT.intersection(*seen.values()) if seen else NO_KINDS,
    )


def _readable(permissions: frozenset[str], kinds: Kinds) -> Kinds:
    known = _READABLE.get((permissions, kinds))
    if known is None:
        found = frozenset(kind for kind in kinds if f"{kind}:read" in permissions)
        known = _READABLE[permissions, kinds] = found
    return known


_READABLE: dict[tuple[frozenset[str], Kinds], Kinds] = {}
"""There are as many as sets of permissions: few."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for: everything it may see, or one project; all fields of a kind, or some."""

    project_id: str | None = None
    fields: tuple[tuple[str, frozenset[str]], ...] = ()

    def of(self, reach: Reach, *, visitor: bool) -> "View":
        if self.project_id is not None:
            mine = {id_: kinds for id_, kinds in reach.projects.items() if id_ == self.project_id}
            reach = Reach(reach.workspace, mine, reach.people)
        return View(reach, dict(self.fields), visitor=visitor)


@dataclass(frozen=True)
class View:
    """What one client is sent. Those with the same digest are sent the same bytes."""

    reach: Reach
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    visitor: bool = False
    """Whether people are shown as who came by a public link sees them."""

    @cached_property
    def digest(self) -> str:
        """Part of the cursor, so that a client who comes back is told what it may see no longer, and more."""
        people = self.reach.people
        seen = [
            sorted(self.reach.workspace),
            {id_: sorted(kinds) for id_, kinds in self.reach.projects.items()},
            None if people is None else [sorted(people.ids), people.open],
            {kind: sorted(names) for kind, names in self.fields.items()},
            self.visitor,
        ]
        return hashlib.blake2s(
            orjson.dumps(seen, option=orjson.OPT_SORT_KEYS), digest_size=DIGEST_BYTES
        ).hexdigest()

    def shown(self, kind: str, values: Doc) -> Doc:
        """A document's values, or some of them, as this client is sent them."""
        if self.visitor and kind == MEMBERSHIP:
            values = for_visitors(values)
        wanted = self.fields.get(kind)
        if wanted is None:
            return values
        return {name: value for name, value in values.items() if name in wanted or name in NAMING}


@dataclass(frozen=True, slots=True)
class Difference:
    """From one view to another: what is seen no more, what is seen now, and what was seen all along."""

    lost: list[Doc]
    """As operations of a frame, what is part of something before that."""
    gained: Reach
    kept: View


def difference(before: View, now: View, made: Collection[str] = ()) -> Difference:
    """Both must be for the same fields. `made` are projects that came after `before`: they are told of.

    Memberships are told of anew where the circle of people whom a guest sees has changed.
    """
    a, b = before.reach, now.reach
    workspace = a.workspace & b.workspace
    if a.people != b.people:
        workspace -= {MEMBERSHIP}
    projects = {
        id_: kinds if id_ in made else kinds & a.projects.get(id_, NO_KINDS)
        for id_, kinds in b.projects.items()
    }
    lost = [
        {"verb": "purge", "kind": kind, "project_id": id_}
        for id_, kinds in sorted(a.projects.items())
        for kind in _PARTS_FIRST
        if kind in kinds - projects.get(id_, NO_KINDS)
    ]
    lost += [{"verb": "purge", "kind": kind} for kind in sorted(a.workspace - workspace)]
    gained = {id_: kinds - projects[id_] for id_, kinds in b.projects.items() if kinds - projects[id_]}
    kept = Reach(workspace, {id_: kinds for id_, kinds in projects.items() if kinds}, b.people)
    return Difference(
        lost, Reach(b.workspace - workspace, gained, b.people), View(kept, now.fields, now.visitor)
    )
