"""What a state of the model is made of: nested tuples of numbers, quick to hash, and in one order.

Where something is not there, an empty tuple stands for it.
"""

from typing import Final, NamedTuple

OPEN: Final = 0
CLOSED: Final = 1
"""The two projects: all see the one, and the reader sees the other while it has the right."""
RIGHT: Final = -1
"""In the place of a document: the event gave the reader the right, or took it."""
NOBODY: Final = -1

Document = tuple[int, ...]
"""Version, project, and how often it was edited."""


class Event(NamedTuple):
    seq: int
    mutation: int
    doc: int
    before: Document
    after: Document


class Departure(NamedTuple):
    """A document was deleted, or left a project."""

    seq: int
    doc: int
    project: int
    """Where it was until then."""
    moved: bool


class Database(NamedTuple):
    """What one transaction sees."""

    docs: tuple[Document, ...]
    right: int
    epoch: int = 0
    seq: int = 0
    writes: int = 0
    floor: int = 0
    erased: int = 0
    """Up to where events are deleted; only a bug has it elsewhere than at the floor."""
    held: int = 0
    """An internal field, which writes change without an event."""
    events: tuple[Event, ...] = ()
    """All there ever were, also those below `erased`, which nobody but the oracle reads."""
    tombs: tuple["Departure", ...] = ()
    """Of the events at or below the floor."""
    records: tuple[int, ...] = ()
    """The mutations whose answers are recorded."""


class Stage:
    IDLE: Final = 0
    DECIDED: Final = 1
    NUMBERED: Final = 2
    """Only with a bug: the head has moved, and nothing else is written."""
    UNRECORDED: Final = 3
    """Only with a bug: all is written but the answer."""
    WAITING: Final = 4
    """For the majority."""


class Process(NamedTuple):
    """A writer and a hub."""

    stage: int = Stage.IDLE
    mutation: int = NOBODY
    heard: int = 0
    """Whether the client that asked still listens."""
    snapshot: int = 0
    """Whether the ground was read in the transaction, or remembered."""
    ground: Database | tuple[()] = ()
    """What was decided upon; once committed, what is left."""
    recent: Database | tuple[()] = ()
    """What the last transaction left, to be decided upon without reading."""
    epoch: int = 0
    at: int = 0
    """What the hub has published."""
    ring: tuple[Event, ...] = ()
    """The last of it."""
    bell: int = 0
    """The doorbell has rung, and nobody has looked yet."""


class Asked:
    """What the client that wants a write knows of it."""

    NEVER: Final = 0
    UNDER_WAY: Final = 1
    UNKNOWN: Final = 2
    DONE: Final = 3
    RESTORED: Final = 4
    """It was done, and the backup that was restored was older."""


class Op(NamedTuple):
    verb: str
    doc: int = NOBODY
    version: int = 0
    project: int = NOBODY
    value: int = NOBODY
    """Of an update, NOBODY is for what has not changed."""


class Frame(NamedTuple):
    epoch: int
    start: int
    to: int
    view: int
    ops: tuple[Op, ...] = ()


class Replica(NamedTuple):
    """What the client holds; `view` is the digest in its cursor."""

    docs: tuple[Document, ...]
    epoch: int = NOBODY
    seq: int = 0
    view: int = 0
    peak: tuple[int, int] = (NOBODY, 0)
    """The epoch and the highest number so far: only to see that it never goes back."""


class Talk:
    LIVE: Final = 0
    READING: Final = 1
    """About to read the database: the first look has been taken."""
    HEADED: Final = 2
    """Only with a bug: the head of a snapshot is read, and its documents are not."""


class Stream(NamedTuple):
    """A client's connection, as the process sees it."""

    process: int = NOBODY
    pos: int = 0
    view: int = 0
    talk: int = Talk.LIVE
    note: tuple[int, ...] = ()
    """What was seen at the first look, for bugs that go by it."""


class Faults(NamedTuple):
    """How many there may still be of each; of compactions, too."""

    crashes: int = 0
    failovers: int = 0
    compactions: int = 0
    restores: int = 0
    disconnects: int = 0
    late: int = 0
    """Frames of a lost connection that arrive all the same, at any time."""
    impatience: int = 0
    """Clients that ask again while their write is under way."""
    silence: int = 0
    """Rings of the doorbell that nobody hears."""


class State(NamedTuple):
    tip: Database
    """What the primary has."""
    stable: Database
    """What the majority has, and no fail-over takes away."""
    processes: tuple[Process, Process]
    asked: tuple[int, ...]
    faults: Faults
    replica: Replica = Replica(())
    stream: Stream = Stream()
    wire: Frame | tuple[()] = ()
    late: Frame | tuple[()] = ()


class Command(NamedTuple):
    """`edit` also creates; `quiet` changes an internal field alone, without an event."""

    verb: str
    doc: int = 0
    to: int = 0
