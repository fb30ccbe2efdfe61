"""The database: the log and its documents, a primary and the majority behind it."""

from collections.abc import Iterator, Sequence
from functools import cache

from model.bugs import Bug
from model.checker import Label
from model.state import (
    NOBODY,
    OPEN,
    RIGHT,
    Asked,
    Command,
    Database,
    Departure,
    Document,
    Event,
    Process,
    Stage,
    State,
)
from model.worlds import World


def decide(command: Command, ground: Database, mutation: int) -> Event | None:
    """What a command does to the documents that it finds; None where that is no event."""
    seq = ground.seq + 1
    if command.verb == "quiet":
        return None
    if command.verb == "right":
        return Event(seq, mutation, RIGHT, (ground.right,), (command.to,))
    before = ground.docs[command.doc]
    if command.verb == "drop":
        return Event(seq, mutation, command.doc, before, ())
    _, project, value = before or (0, OPEN, 0)
    after = (seq, project, value + 1) if command.verb == "edit" else (seq, command.to, value)
    return Event(seq, mutation, command.doc, before, after)


def put(docs: tuple[Document, ...], event: Event) -> tuple[Document, ...]:
    if event.doc == RIGHT:
        return docs
    return (*docs[: event.doc], event.after, *docs[event.doc + 1 :])


@cache
def replay(world: World, events: Sequence[Event]) -> tuple[tuple[Document, ...], int, bool]:
    """What the log says: documents, the reader's right, and whether each event follows from those before."""
    if not events:
        return world.docs, int(world.right), True
    docs, right, follows = replay(world, events[:-1])
    event = events[-1]
    if event.doc == RIGHT:
        return docs, event.after[0], follows and event.before == (right,)
    return put(docs, event), right, follows and event.before == docs[event.doc]


def write(tip: Database, ground: Database, event: Event | None, mutation: int) -> Database:
    """Head, documents, event and answer, in one."""
    after = tip._replace(writes=ground.writes + 1, records=(*tip.records, mutation))
    if event is None:
        return after._replace(held=ground.held + 1)
    return after._replace(
        seq=event.seq,
        docs=put(tip.docs, event),
        right=event.after[0] if event.doc == RIGHT else tip.right,
        events=(*tip.events, event),
    )


def steps(world: World, state: State) -> Iterator[tuple[Label, State, bool]]:
    tip, stable, faults = state.tip, state.stable, state.faults
    if tip != stable:
        yield ("replicate",), replicated(world, state), True
    if faults.failovers and tip != stable:
        left = faults._replace(failovers=faults.failovers - 1)
        yield ("fail over",), _fail_over(world, state._replace(faults=left)), False
    if faults.compactions:
        left = faults._replace(compactions=faults.compactions - 1)
        for floor in range(tip.floor + 1, tip.seq + 1):
            after = state._replace(tip=_compacted(world, tip, floor), faults=left)
            yield ("compact", floor), replicated(world, after) if world.swift else after, False
    if tip.erased != tip.floor:
        yield ("move floor",), state._replace(tip=tip._replace(floor=tip.erased)), True
    if faults.restores and tip == stable:
        left = faults._replace(restores=faults.restores - 1)
        for seq in range(stable.floor, stable.seq):
            yield ("restore", seq), _restored(world, state._replace(faults=left), seq), False


def replicated(world: World, state: State) -> State:
    """The majority has what the primary has, and the doorbell rings for new numbers."""
    after = state._replace(stable=state.tip)
    # Without the bug, what a bell brings may come at any time anyway.
    rings = state.faults.silence or world.bug is Bug.BELL
    if state.tip.seq > state.stable.seq and rings:
        one, two = state.processes
        after = after._replace(processes=(one._replace(bell=1), two._replace(bell=1)))
    return after


def _fail_over(world: World, state: State) -> State:
    """What the majority lacks is gone, and with it every transaction under way."""
    stable, asked = state.stable, list(state.asked)
    processes = []
    for process in state.processes:
        left = process.ground
        if process.stage == Stage.DECIDED and process.snapshot:
            processes.append(process._replace(ground=stable))
        elif process.stage == Stage.DECIDED or not left or left.writes <= stable.writes:
            processes.append(process)
        else:
            if process.heard:
                asked[process.mutation] = Asked.UNKNOWN
            recent = left if world.bug is Bug.MEMORY else ()
            processes.append(idle(process)._replace(recent=recent))
    return state._replace(tip=stable, processes=(processes[0], processes[1]), asked=tuple(asked))


def idle(process: Process) -> Process:
    return process._replace(stage=Stage.IDLE, mutation=NOBODY, heard=0, snapshot=0, ground=())


def _compacted(world: World, tip: Database, floor: int) -> Database:
    gone = tip.events[tip.floor : floor]
    tombs = tuple(one for one in departures(gone) if not one.moved or world.bug is not Bug.MOVED)
    after = tip._replace(erased=floor, writes=tip.writes + 1)
    if world.bug is not Bug.TOMBS:
        after = after._replace(tombs=tip.tombs + tombs)
    return after if world.bug is Bug.HALVES else after._replace(floor=floor)


def departures(events: Sequence[Event]) -> Iterator[Departure]:
    """Where documents are no more, or not any more."""
    for event in events:
        if event.doc != RIGHT and event.before and event.after[1:2] != event.before[1:2]:
            yield Departure(event.seq, event.doc, event.before[1], moved=bool(event.after))


def _restored(world: World, state: State, seq: int) -> State:
    """A backup in the place of the database, while no process runs."""
    now = state.stable
    events = now.events[:seq]
    docs, right, _ = replay(world, events)
    records = tuple(event.mutation for event in events)
    backup = Database(
        docs=docs,
        right=right,
        epoch=now.epoch + 1,
        seq=seq,
        writes=seq,
        floor=now.floor,
        erased=now.erased,
        events=events,
        tombs=now.tombs,
        records=records,
    )
    process = Process(epoch=backup.epoch, at=seq)
    fate = {Asked.UNDER_WAY: Asked.UNKNOWN, Asked.DONE: Asked.RESTORED}
    asked = tuple(
        fate.get(known, known) if known == Asked.UNDER_WAY or mutation not in records else known
        for mutation, known in enumerate(state.asked)
    )
    return cut(state._replace(tip=backup, stable=backup, processes=(process, process), asked=asked))


def cut(state: State) -> State:
    """The client's connection is gone, with what was on it."""
    return state._replace(stream=State._field_defaults["stream"], wire=())
