"""The client: takes frames, by the rules of the protocol."""

from model.bugs import Bug
from model.database import cut
from model.state import NOBODY, Document, Frame, Op, Replica, State
from model.worlds import World


def take(world: World, state: State, frame: Frame, *, live: bool) -> State:
    """Apply a frame, drop it, or connect again. Late ones come from a connection that is no more."""
    replica = state.replica
    after = state._replace(wire=()) if live else state
    same = frame.epoch == replica.epoch or (world.bug is Bug.EPOCH and replica.epoch != NOBODY)
    if same and (frame.start == replica.seq or world.bug is Bug.START):
        return after._replace(replica=_applied(replica, frame))
    old = frame.start < replica.seq if world.bug is Bug.OVERLAP else frame.to <= replica.seq
    if (same and old) or not live:
        return after
    return cut(after)


def _applied(replica: Replica, frame: Frame) -> Replica:
    docs = list(replica.docs)
    for op in frame.ops:
        _apply(docs, op)
    peak = (frame.epoch, max(frame.to, replica.peak[1]) if replica.peak[0] == frame.epoch else frame.to)
    return Replica(tuple(docs), frame.epoch, frame.to, frame.view, peak)


def _apply(docs: list[Document], op: Op) -> None:
    if op.verb == "purge project":
        docs[:] = [() if doc and doc[1] == op.project else doc for doc in docs]
        return
    held = docs[op.doc]
    if op.verb == "purge":
        docs[op.doc] = ()
    elif op.verb == "delete":
        if held and held[0] <= op.version:
            docs[op.doc] = ()
    elif op.verb == "create":
        if not held or held[0] < op.version:
            docs[op.doc] = (op.version, op.project, op.value)
    elif held and held[0] < op.version:
        _, project, value = held
        project = project if op.project == NOBODY else op.project
        docs[op.doc] = (op.version, project, value if op.value == NOBODY else op.value)
