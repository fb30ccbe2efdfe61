"""What must hold in every state, said without regard to how it is done."""

from functools import cache

from model.database import replay
from model.state import NOBODY, Asked, Database, Replica, Stage, State
from model.streams import shown, visible
from model.worlds import World

GAPLESS = "the log has every number from its floor to its head"
ONCE = "no write is done twice"
FOLLOWS = "every write follows from those before it"
KEPT = "an acknowledged write is kept"
ONWARD = "a client's number never goes back"
SECRET = "a client holds nothing that its rights do not show it"
REPLAY = "a replica is the documents at its number, as far as its rights show them"
ARRIVES = "when faults stop, every write is answered and the client comes to the head"


def broken(world: World, state: State) -> str | None:
    """The first property that does not hold."""
    found = _broken_database(world, state.tip)
    if found is not None:
        return found
    kept = set(state.tip.records)
    if any(known == Asked.DONE and one not in kept for one, known in enumerate(state.asked)):
        return KEPT
    replica = state.replica
    if replica.epoch == NOBODY:
        return None
    if (replica.epoch, replica.seq) < replica.peak:
        return ONWARD
    # Of a log that a restore took away, nobody knows what it held.
    return _broken_replica(world, state.tip, replica) if replica.epoch == state.tip.epoch else None


@cache
def _broken_database(world: World, tip: Database) -> str | None:
    numbers = [event.seq for event in tip.events]
    if tip.erased != tip.floor or numbers != list(range(1, tip.seq + 1)):
        return GAPLESS
    done = [event.mutation for event in tip.events]
    if len(done) != len(set(done)):
        return ONCE
    docs, right, follows = replay(world, tip.events)
    quiet = sum(world.script[one].verb == "quiet" for one in tip.records)
    if not follows or (docs, right, quiet) != (tip.docs, tip.right, tip.held):
        return FOLLOWS
    return None


@cache
def _broken_replica(world: World, tip: Database, replica: Replica) -> str | None:
    docs, right, _ = replay(world, tip.events[: replica.seq])
    if any(held and doc and not visible(doc, right) for held, doc in zip(replica.docs, docs, strict=True)):
        return SECRET
    if replica.seq > tip.seq or replica.view != right or replica.docs != shown(docs, right):
        return REPLAY
    return None


def unrest(world: World, state: State) -> str | None:
    """What is missing where nothing more will happen."""
    arrived = (state.replica.epoch, state.replica.seq) == (state.tip.epoch, state.tip.seq)
    open_ = {Asked.UNDER_WAY, Asked.UNKNOWN} & set(state.asked)
    at_work = any(process.stage != Stage.IDLE for process in state.processes)
    return ARRIVES if open_ or at_work or (world.reader and not arrived) else None
