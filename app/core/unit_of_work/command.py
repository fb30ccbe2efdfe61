"""What is handed to the unit of work, and what comes back."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from app.core.documents import Doc, Entity

if TYPE_CHECKING:
    from app.core.unit_of_work.work import Work

R = TypeVar("R")

Reaction = Callable[["Work", Doc], Awaitable[None]]
"""Another domain's answer to an operation, run inside the same command: (work, operation)."""


class Guard(Protocol):
    """Says what an actor may see and do; a document is of `project_id`, or of the workspace as a whole."""

    def sees(self, model: type[Entity], doc: Doc, project_id: str | None) -> bool: ...

    def check(self, permission: str | None, project_id: str) -> None:
        """Raises `permission_denied` where the permission, or the request's, is not held in a project."""


@dataclass(frozen=True, slots=True)
class Command(Generic[R]):
    """One change of a workspace, as a decision that can be run again.

    `decide` reads and writes only through the Work that it is given, does no outside I/O, and returns an
    entity, a list of entities or None. `reads` names the documents that it needs, so that those of all
    commands in a transaction are fetched together.
    """

    name: str
    decide: Callable[["Work"], Awaitable[R]]
    reads: Mapping[type[Entity], Collection[str]] = field(default_factory=dict)
    founds: bool = False
    """The command makes the workspace itself, so there is no head yet."""
    permission: str | None = None
    """What it requires in the projects that it changes something of; None for what the request requires."""


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, through what, and how often it may count."""

    actor: Mapping[str, Any]
    source: Mapping[str, Any]
    idempotency_key: str | None = None
    """Unique to the actor; None where the request is not to be remembered."""
    fingerprint: str = ""
    """What the key was used for, so that its use for something else is noticed."""
    dry_run: bool = False
    guard: Guard | None = None
    """None for whom everything is open, as a migration or an operator."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """What a command gave. `seq` is None where nothing changed, `replayed` where it had been done before."""

    value: R
    seq: int | None
    replayed: bool = False


@dataclass(slots=True)
class Submission:
    """Commands that commit together or not at all, waiting for their transaction."""

    commands: Sequence[Command[Any]]
    context: Context
    future: Any
    since: float = field(default_factory=monotonic)
