"""What a process sends to the client: a snapshot, then frames."""

from collections.abc import Iterator, Sequence

from model.bugs import Bug
from model.checker import Label
from model.database import cut, departures
from model.replica import take
from model.state import (
    CLOSED,
    NOBODY,
    OPEN,
    RIGHT,
    Database,
    Document,
    Event,
    Frame,
    Op,
    Process,
    Replica,
    State,
    Stream,
    Talk,
)
from model.worlds import World


def visible(doc: Document, view: int) -> bool:
    return bool(doc) and (doc[1] == OPEN or bool(view))


def shown(docs: tuple[Document, ...], view: int) -> tuple[Document, ...]:
    return tuple(doc if visible(doc, view) else () for doc in docs)


def steps(world: World, state: State) -> Iterator[tuple[Label, State, bool]]:
    stream = state.stream
    if state.wire:
        yield ("receive", state.wire.start, state.wire.to), take(world, state, state.wire, live=True), True
    elif stream.process != NOBODY:
        yield from _serve(world, state)
    elif state.replica.epoch == NOBODY:
        yield from _fetch(world, state)
    else:
        for number in (0, 1):
            yield from _connect(world, state, number)
    if state.late:
        after = take(world, state, state.late, live=False)
        yield ("receive late", state.late.start, state.late.to), after._replace(late=()), False
    yield from _disconnect(state)


def _disconnect(state: State) -> Iterator[tuple[Label, State, bool]]:
    faults = state.faults
    if state.stream.process == NOBODY or not faults.disconnects:
        return
    left = cut(state)._replace(faults=faults._replace(disconnects=faults.disconnects - 1))
    yield ("disconnect",), left, False
    if faults.late and state.wire:
        fewer = left.faults._replace(late=faults.late - 1)
        yield ("disconnect late",), left._replace(late=state.wire, faults=fewer), False


def _fetch(world: World, state: State) -> Iterator[tuple[Label, State, bool]]:
    """A snapshot: number, rights and documents of one moment."""
    stable = state.stable
    if world.bug is Bug.MOMENTS:
        note = (stable.epoch, stable.seq, stable.right)
        for number in (0, 1):
            headed = state._replace(stream=Stream(number, talk=Talk.HEADED, note=note))
            yield ("head of snapshot", stable.seq), headed, True
    else:
        yield ("snapshot", stable.seq), _fetched(state, stable.epoch, stable.seq, stable.right), True


def _fetched(state: State, epoch: int, seq: int, view: int) -> State:
    peak = state.replica.peak
    peak = (epoch, max(seq, peak[1]) if peak[0] == epoch else seq)
    replica = Replica(shown(state.stable.docs, view), epoch, seq, view, peak)
    return cut(state)._replace(replica=replica)


def _connect(world: World, state: State, number: int) -> Iterator[tuple[Label, State, bool]]:
    hub, replica, stable = state.processes[number], state.replica, state.stable
    seq, view = replica.seq, replica.view
    if hub.epoch != replica.epoch and world.bug is not Bug.EPOCH:
        yield ("reset", number), state._replace(replica=Replica((), peak=replica.peak)), True
    elif hub.at < seq:
        # It waits until it has come as far as the client.
        if world.bug is Bug.LAG:
            empty = Frame(hub.epoch, seq, hub.at, view)
            lagging = state._replace(stream=Stream(number, hub.at, view), wire=empty)
            yield ("connect", number, seq), lagging, True
    elif _next(hub, seq) is not None or hub.at == seq:
        yield ("connect", number, seq), state._replace(stream=Stream(number, seq, view)), True
    else:
        yield (
            ("connect", number, seq),
            state._replace(stream=_reading(world, stable, number, seq, view)),
            True,
        )


def _reading(world: World, stable: Database, number: int, seq: int, view: int) -> Stream:
    """The first look. All of it is looked at again in the snapshot that is read."""
    note: tuple[int, ...] = ()
    if world.bug is Bug.FLOOR:
        note = (int(seq < stable.floor),)
    elif world.bug is Bug.EARLY_RIGHTS:
        note = (stable.right,)
    return Stream(number, seq, view, Talk.READING, note)


def _next(hub: Process, seq: int) -> Event | None:
    """What comes after this number, if the hub remembers all from there."""
    if hub.ring and hub.ring[0].seq <= seq + 1:
        return next((event for event in hub.ring if event.seq > seq), None)
    return None


def _serve(world: World, state: State) -> Iterator[tuple[Label, State, bool]]:
    stream = state.stream
    if stream.talk == Talk.HEADED:
        yield ("documents of snapshot",), _fetched(state, *stream.note), True
        return
    if stream.talk == Talk.READING:
        yield ("catch up", stream.process, stream.pos, state.stable.seq), _caught_up(world, state), True
        return
    hub = state.processes[stream.process]
    if hub.at <= stream.pos:
        return
    event = _next(hub, stream.pos)
    if event is None or (event.doc == RIGHT and world.bug is not Bug.VIEW):
        reading = _reading(world, state.stable, stream.process, stream.pos, stream.view)
        yield ("begin to catch up", stream.process, stream.pos), state._replace(stream=reading), True
    else:
        ops = _ops(world, event, stream.view, stream.view)
        frame = Frame(hub.epoch, stream.pos, event.seq, stream.view, ops)
        after = state._replace(stream=stream._replace(pos=event.seq), wire=frame)
        yield ("send", stream.process, stream.pos, event.seq), after, True


def _ops(world: World, event: Event, old: int, view: int) -> tuple[Op, ...]:
    """An event for who saw by `old` and sees by `view`."""
    if event.doc == RIGHT:
        return ()
    before, after = event.before, event.after
    known = visible(before, view) and (visible(before, old) or world.bug is Bug.PATCH)
    if visible(after, view):
        if not known:
            return (Op("create", event.doc, *after),)
        changes = (new if new != former else NOBODY for new, former in zip(after, before, strict=True))
        return (Op("update", event.doc, event.seq, *list(changes)[1:]),)
    if not after:
        return (Op("delete", event.doc, event.seq),) if known else ()
    return (Op("purge", event.doc),) if known and world.bug is not Bug.MOVE else ()


def _caught_up(world: World, state: State) -> State:
    """All after the client's number, from one snapshot: of the log, or of documents where it begins later."""
    stream, stable = state.stream, state.stable
    old, right = stream.view, stable.right
    if world.bug is Bug.EARLY_RIGHTS:
        right = stream.note[0]
    below = bool(stream.note[0]) if world.bug is Bug.FLOOR else stream.pos < stable.floor
    view = old if world.bug is Bug.NO_REBASE else right
    events = stable.events[max(stream.pos, stable.erased) :]
    if below and _right_before(stable, events) != old:
        # The log does not tell what its digest is of.
        return cut(state)._replace(replica=Replica((), peak=state.replica.peak))
    ops = _rebase(stable, old, view)
    if below:
        # What is gone first: it may be in sight elsewhere.
        kept = min(old, view)
        ops = (*_left(stable, stream.pos, kept), *ops, *_changed(stable, stream.pos, kept))
    else:
        ops = (*(op for event in events for op in _ops(world, event, old, view)), *ops)
    frame = Frame(stable.epoch, stream.pos, stable.seq, view, ops)
    return state._replace(stream=Stream(stream.process, stable.seq, view), wire=frame)


def _right_before(stable: Database, events: Sequence[Event]) -> int:
    """The reader's right before these last events."""
    return next((event.before[0] for event in events if event.doc == RIGHT), stable.right)


def _left(stable: Database, since: int, kept: int) -> Iterator[Op]:
    """What is no more where it was seen, by tombstones and the log that is left."""
    for one in (*stable.tombs, *departures(stable.events[stable.erased :])):
        if one.seq > since and (one.project == OPEN or kept):
            yield Op("purge", one.doc) if one.moved else Op("delete", one.doc, one.seq)


def _changed(stable: Database, since: int, kept: int) -> Iterator[Op]:
    """What has changed since and is still there, without the log."""
    for number, doc in enumerate(stable.docs):
        if doc and doc[0] > since and visible(doc, kept):
            yield Op("create", number, *doc)


def _rebase(stable: Database, old: int, view: int) -> tuple[Op, ...]:
    """What is lost and won where the rights are others than those of the cursor."""
    if old == view:
        return ()
    if not view:
        return (Op("purge project", project=CLOSED),)
    won = ((number, doc) for number, doc in enumerate(stable.docs) if doc and doc[1] == CLOSED)
    return tuple(Op("create", number, *doc) for number, doc in won)
