"""A hub in each process: publishes the log in order, and remembers the last of it."""

from collections.abc import Iterator, Sequence

from model.bugs import Bug
from model.checker import Label
from model.state import Event, Process, State
from model.worlds import World


def tell(world: World, process: Process, event: Event) -> Process:
    """The process has committed it. What is not the next is dropped: a look at the log brings it."""
    if event.seq == process.at + 1 or (world.bug is Bug.ORDER and event.seq > process.at):
        return _publish(world, process, [event])
    if event.seq > process.at and world.bug is Bug.BELL:
        return process._replace(bell=1)
    return process


def _publish(world: World, process: Process, events: Sequence[Event]) -> Process:
    return process._replace(at=events[-1].seq, ring=(*process.ring, *events)[-world.ring :])


def steps(world: World, state: State) -> Iterator[tuple[Label, State, bool]]:
    for number, process in enumerate(state.processes):
        found = _look(world, state, process)
        if found != process:
            yield ("hear" if process.bell else "look", number, found.at), _with(state, number, found), True
        if process.bell and state.faults.silence:
            left = state.faults._replace(silence=state.faults.silence - 1)
            deaf = _with(state, number, process._replace(bell=0))
            yield ("silence", number), deaf._replace(faults=left), False


def _look(world: World, state: State, process: Process) -> Process:
    """Read the log from where the hub is, in one snapshot."""
    if world.bug is Bug.BELL and not process.bell:
        return process
    seen = state.tip if world.bug is Bug.DIRTY else state.stable
    found = process._replace(bell=0)
    if seen.seq <= process.at:
        return found
    if process.at < seen.floor and world.bug is not Bug.HUB_FLOOR:
        # Nobody can tell any more what came between: who was here before must read the database.
        return found._replace(at=seen.seq, ring=())
    events = seen.events[max(process.at, seen.erased) :]
    return _publish(world, found, events) if events else found._replace(at=seen.seq)


def _with(state: State, number: int, process: Process) -> State:
    one, two = state.processes
    return state._replace(processes=(process, two) if number == 0 else (one, process))
