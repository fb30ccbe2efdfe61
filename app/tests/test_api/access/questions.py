"""A request together with what the oracle says to it: who may ask it, and what its answer must hold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from secrets import token_hex
from typing import Any, TypeVar

from app.tests.test_api.access.oracle import (
    Actor,
    Comment,
    CustomRole,
    Grant,
    Link,
    Member,
    Oracle,
    Project,
    Task,
    Team,
    Workspace,
)
from app.tests.test_api.access.tables import OF_WORKSPACE

T = TypeVar("T")
Refusals = frozenset[int]
"""The statuses of all that stands against a request, of which it gets one; with none, it succeeds."""
FINE: Refusals = frozenset()


class MismatchError(AssertionError):
    """The program has answered otherwise than the oracle."""


@dataclass
class Question:
    """`judge` is asked about whoever the workspace lets in; `apply` tells the oracle what was done."""

    name: str
    workspace: Workspace
    path: str
    judge: Callable[[Actor], Refusals]
    method: str = "GET"
    body: dict[str, Any] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    ids: Callable[[Actor], Iterable[str]] | None = None
    """What a list must hold."""
    look: Callable[[Actor, Any], None] | None = None
    """Looks at the answer for more."""
    apply: Callable[[Actor, Any], None] | None = None
    history: bool = False
    """Whether the answer tells of what was."""
    names: tuple[str, str] | None = None
    """What a success names to whoever it is allowed to, as the request itself did by another name."""


def need(condition: bool, what: str) -> None:
    if not condition:
        raise MismatchError(what)


def id_of(thing: CustomRole | Member | Team | None) -> str | None:
    return None if thing is None else thing.id


class Canaries:
    """Words that are in the text of one thing, and in an answer only for who may see it."""

    def __init__(self) -> None:
        self.prefix = f"canary-{token_hex(4)}-"
        self._numbers = count(1)
        self.of: dict[str, tuple[str, str]] = {}
        """The kind and id of the thing that has the word."""

    def new(self) -> str:
        return f"{self.prefix}{next(self._numbers)}x"

    def plant(self, body: dict[str, Any], kind: str, id_: str) -> None:
        """The thing has now the words of a body."""
        for value in body.values():
            if isinstance(value, str) and value.startswith(self.prefix):
                self.of[value] = (kind, id_)


class Chooser:
    """Chooses among what there is, by a chance that can be repeated."""

    def __init__(self, oracle: Oracle, canaries: Canaries) -> None:
        self.oracle = oracle
        self.canaries = canaries
        self.chance = Random()

    def one(self, some: Iterable[T]) -> T | None:
        found = list(some)
        return self.chance.choice(found) if found else None

    def often(self, probability: float) -> bool:
        return self.chance.random() < probability

    def workspace(self) -> Workspace:
        return self.chance.choice(list(self.oracle.workspaces.values()))

    def _of(self, workspace: Workspace, some: Sequence[T], belongs: Callable[[T], str]) -> T | None:
        """One of the workspace's; sometimes a foreign one."""
        foreign = self.often(0.08)
        return self.one(one for one in some if (belongs(one) == workspace.id) is not foreign)

    def project(self, workspace: Workspace) -> Project | None:
        return self._of(workspace, list(self.oracle.projects.values()), lambda one: one.workspace)

    def member(self, workspace: Workspace) -> Member | None:
        return self._of(workspace, list(self.oracle.members.values()), lambda one: one.workspace)

    def person(self, workspace: Workspace) -> Member | None:
        """Not the name that visitors have."""
        people = [one for one in self.oracle.members.values() if not one.link]
        return self._of(workspace, people, lambda one: one.workspace)

    def link(self, workspace: Workspace) -> Link | None:
        projects = self.oracle.projects
        links = list(self.oracle.links.values())
        return self._of(workspace, links, lambda one: projects[one.project].workspace)

    def team(self, workspace: Workspace) -> Team | None:
        return self._of(workspace, list(self.oracle.teams.values()), lambda one: one.workspace)

    def role(self, workspace: Workspace) -> CustomRole | None:
        return self._of(workspace, list(self.oracle.roles.values()), lambda one: one.workspace)

    def grant(self, workspace: Workspace) -> Grant | None:
        projects = self.oracle.projects
        grants = list(self.oracle.grants.values())
        return self._of(workspace, grants, lambda one: projects[one.project].workspace)

    def task(self, workspace: Workspace) -> Task | None:
        projects = self.oracle.projects
        tasks = list(self.oracle.tasks.values())
        return self._of(workspace, tasks, lambda one: projects[one.project].workspace)

    def comment(self, workspace: Workspace) -> Comment | None:
        oracle = self.oracle
        comments = list(oracle.comments.values())
        return self._of(
            workspace, comments, lambda one: oracle.projects[oracle.tasks[one.task].project].workspace
        )

    def ref(self, thing: Project | Task, workspace: Workspace) -> str:
        """Its id or key; another workspace may have the same key."""
        project = thing if isinstance(thing, Project) else self.oracle.projects[thing.project]
        return thing.key if project.workspace == workspace.id and self.often(0.3) else thing.id

    # --- what stands against a request

    def judge(
        self, actor: Actor, permission: str, *, seen: bool = True, project: Project | None = None
    ) -> Refusals:
        """Nowhere allowed comes first, then what is not seen, then what is not allowed here."""
        if not self.oracle.may_ask(actor, permission):
            return frozenset({403})
        if not seen:
            return frozenset({404})
        if permission in OF_WORKSPACE or project is None or self.oracle.has(actor, permission, project):
            return FINE
        return frozenset({403})

    @staticmethod
    def also(found: Refusals, *more: tuple[bool, int]) -> Refusals:
        """More that may stand against what is allowed and seen, where it does."""
        return found | {status for stands, status in more if stands}
