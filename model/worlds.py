"""What is tried: which writes, and how many faults of each kind."""

from dataclasses import dataclass, replace

from model.bugs import Bug
from model.state import CLOSED, OPEN, Asked, Command, Database, Document, Faults, Process, Replica, State


@dataclass(frozen=True, slots=True)
class World:
    name: str
    script: tuple[Command, ...]
    faults: Faults
    docs: tuple[Document, ...] = ((0, OPEN, 0),)
    right: bool = True
    reader: bool = True
    remember: bool = False
    """Whether writers decide on what their last transaction left."""
    swift: bool = False
    """Whether a write is one step: where the readers are what is looked at."""
    ring: int = 1
    """How many events a hub remembers."""
    bug: Bug | None = None

    def with_bug(self, bug: Bug) -> "World":
        return replace(self, bug=bug)

    def initial(self) -> State:
        database = Database(self.docs, int(self.right))
        asked = (Asked.NEVER,) * len(self.script)
        return State(database, database, (Process(), Process()), asked, self.faults, Replica(()))


_EDIT, _QUIET, _DROP = Command("edit"), Command("quiet"), Command("drop")
_GIVE, _TAKE = Command("right", to=1), Command("right", to=0)
_TWO_DOCS: tuple[Document, ...] = ((0, OPEN, 0), (0, CLOSED, 0))

WRITERS = World(
    "two writers",
    (_EDIT, _QUIET, _QUIET),
    Faults(crashes=1, failovers=1, impatience=1),
    reader=False,
    remember=True,
)
HUBS = World(
    "two hubs",
    (_EDIT, Command("edit", 1), _EDIT),
    Faults(compactions=1, disconnects=1, silence=1),
    docs=_TWO_DOCS,
    swift=True,
    ring=2,
)
REVOKE = World(
    "revoke",
    (Command("move", 0, CLOSED), _TAKE, Command("edit", 1)),
    Faults(disconnects=1, compactions=1, late=1),
    docs=_TWO_DOCS,
    swift=True,
)
GRANT = World(
    "grant",
    (Command("move", 1, OPEN), _GIVE, Command("move", 0, CLOSED), _TAKE),
    Faults(disconnects=1, compactions=1),
    docs=_TWO_DOCS,
    right=False,
    swift=True,
)
COMPACTION = World(
    "compaction", (_EDIT, _DROP, _EDIT), Faults(crashes=1, compactions=2, disconnects=2), swift=True
)
RESTORE = World(
    "restore", (_EDIT, _DROP, _EDIT), Faults(crashes=1, restores=1, disconnects=1, late=1), swift=True
)
FAIL_OVER = World("fail-over", (_EDIT, _EDIT), Faults(crashes=1, failovers=1, disconnects=1))
WORLDS = (WRITERS, HUBS, REVOKE, GRANT, COMPACTION, RESTORE, FAIL_OVER)

EVERYTHING = World(
    "everything",
    (Command("edit", 1), _TAKE),
    Faults(crashes=1, failovers=1, compactions=1, disconnects=1),
    docs=_TWO_DOCS,
)
LARGE = (
    replace(
        WRITERS,
        name="two writers, compaction",
        script=(_EDIT, _QUIET, _EDIT),
        faults=WRITERS.faults._replace(compactions=1),
    ),
    replace(HUBS, name="two hubs, crash", faults=HUBS.faults._replace(crashes=1)),
    EVERYTHING,
)
