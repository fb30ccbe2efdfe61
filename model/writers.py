"""Two processes that write: decide on a ground, commit, wait for the majority, answer."""

from collections.abc import Iterator

from model.bugs import Bug
from model.checker import Label
from model.database import cut, decide, idle, replicated, write
from model.hubs import tell
from model.state import Asked, Database, Event, Process, Stage, State
from model.worlds import World


def steps(world: World, state: State) -> Iterator[tuple[Label, State, bool]]:
    for number, process in enumerate(state.processes):
        if process.stage == Stage.IDLE:
            yield from _ask(world, state, number)
        elif process.ground:
            yield from _go_on(world, state, number, process.ground)
        yield from _disturb(state, number)


def _ask(world: World, state: State, number: int) -> Iterator[tuple[Label, State, bool]]:
    """The next new write, in the order of the script, or one whose outcome is unknown."""
    never = [one for one, known in enumerate(state.asked) if known == Asked.NEVER][:1]
    unknown = [one for one, known in enumerate(state.asked) if known == Asked.UNKNOWN]
    for mutation in never + unknown:
        process = state.processes[number]
        ground = process.recent or state.tip
        begun = process._replace(
            stage=Stage.DECIDED,
            mutation=mutation,
            heard=1,
            snapshot=int(not process.recent),
            ground=ground,
            recent=(),
        )
        verb = "ask again" if mutation in unknown else "ask"
        if world.swift:
            verb = "write"
        elif process.recent:
            verb += " by memory"
        after = _set(state, number, begun, Asked.UNDER_WAY)
        if world.swift:
            after = _swift(world, after, number, ground)
        yield (verb, number, mutation), after, mutation in unknown


def _swift(world: World, state: State, number: int, ground: Database) -> State:
    """All of a write at once, where nobody writes at the same time."""
    mutation = state.processes[number].mutation
    event = decide(world.script[mutation], ground, mutation)
    tip = write(state.tip, ground, event, mutation)
    return _finish(world, replicated(world, state._replace(tip=tip)), number, tip)


def _go_on(world: World, state: State, number: int, ground: Database) -> Iterator[tuple[Label, State, bool]]:
    process = state.processes[number]
    mutation = process.mutation
    if process.stage == Stage.WAITING:
        has = state.stable.epoch == ground.epoch and state.stable.writes >= ground.writes
        if has or world.bug is Bug.EARLY_ANSWER:
            yield ("acknowledge", number, mutation), _finish(world, state, number, ground), True
    elif process.stage == Stage.UNRECORDED:
        tip = state.tip._replace(records=(*state.tip.records, mutation), writes=state.tip.writes + 1)
        waiting = process._replace(stage=Stage.WAITING, ground=tip)
        yield ("record", number, mutation), _set(state._replace(tip=tip), number, waiting), True
    elif mutation in ground.records:
        # What the primary has may be lost, and the answer would be a lie. What was left has been awaited.
        lasts = not process.snapshot or mutation in state.stable.records
        if lasts or world.bug is Bug.EARLY_REPEAT:
            yield ("repeat answer", number, mutation), _answer(state, number), True
    else:
        yield _commit(world, state, number, ground)


def _commit(world: World, state: State, number: int, ground: Database) -> tuple[Label, State, bool]:
    process, tip = state.processes[number], state.tip
    mutation = process.mutation
    event = decide(world.script[mutation], ground, mutation)
    if process.stage == Stage.DECIDED:
        if _conflicts(world, tip, process, event):
            # Began again at once: beginning later is to have asked later.
            again = process._replace(ground=tip, snapshot=1)
            return ("conflict", number, mutation), _set(state, number, again), True
        if world.bug is Bug.OUTSIDE and event:
            moved = tip._replace(seq=tip.seq + 1, writes=tip.writes + 1)
            numbered = process._replace(stage=Stage.NUMBERED)
            return ("number", number, mutation), _set(state._replace(tip=moved), number, numbered), True
    after = write(tip, ground, event, mutation)
    stage = Stage.WAITING
    if world.bug is Bug.RECORD:
        after, stage = after._replace(records=tip.records), Stage.UNRECORDED
    committed = process._replace(stage=stage, ground=after)
    seq = event.seq if event else 0
    return ("commit", number, mutation, seq), _set(state._replace(tip=after), number, committed), True


def _conflicts(world: World, tip: Database, process: Process, event: Event | None) -> bool:
    ground = process.ground
    if not ground:
        return False
    if world.bug is not Bug.LOCK and (tip.seq, tip.writes) != (ground.seq, ground.writes):
        return True
    # Without that condition there are still the snapshot, the ids of events and records, and versions.
    if (process.snapshot and tip != ground) or process.mutation in tip.records:
        return True
    if event is None:
        return False
    taken = tip.erased < event.seq <= tip.seq
    return taken or (event.doc >= 0 and tip.docs[event.doc][:1] != event.before[:1])


def _finish(world: World, state: State, number: int, left: Database) -> State:
    """Tell the hub, then the client; remember what was left."""
    process = state.processes[number]
    mutation = process.mutation
    own = [event for event in left.events[-1:] if event.mutation == mutation]
    for event in own:
        process = tell(world, process, event)
    process = process._replace(recent=left if world.remember else ())
    asked = Asked.DONE if process.heard else state.asked[mutation]
    return _set(state, number, idle(process), asked, mutation)


def _answer(state: State, number: int) -> State:
    process = state.processes[number]
    asked = Asked.DONE if process.heard else state.asked[process.mutation]
    return _set(state, number, idle(process), asked, process.mutation)


def _disturb(state: State, number: int) -> Iterator[tuple[Label, State, bool]]:
    process, faults = state.processes[number], state.faults
    if faults.impatience and process.heard:
        left = state._replace(faults=faults._replace(impatience=faults.impatience - 1))
        alone = process._replace(heard=0)
        yield ("give up", number, process.mutation), _set(left, number, alone, Asked.UNKNOWN), False
    if faults.crashes:
        left = state._replace(faults=faults._replace(crashes=faults.crashes - 1))
        if state.stream.process == number:
            left = cut(left)
        begun = Process(epoch=state.stable.epoch, at=state.stable.seq)
        known = Asked.UNKNOWN if process.heard else None
        yield ("crash", number), _set(left, number, begun, known, process.mutation), False


def _set(
    state: State, number: int, process: Process, asked: int | None = None, mutation: int | None = None
) -> State:
    """The state with this process, and what the client knows of its mutation."""
    processes = state.processes
    both = (process, processes[1]) if number == 0 else (processes[0], process)
    if asked is None:
        return state._replace(processes=both)
    place = process.mutation if mutation is None else mutation
    known = (*state.asked[:place], asked, *state.asked[place + 1 :])
    return state._replace(processes=both, asked=known)
