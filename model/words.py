"""A violation as a reader can follow it."""

from collections.abc import Iterator

from model.checker import Label, Violation
from model.state import NOBODY, State
from model.worlds import World

_WORDS = {
    "ask": "process {} reads the head and decides on write {}",
    "ask by memory": "process {} decides on write {} by what it remembers",
    "ask again": "process {} is asked again for write {}, reads the head and decides",
    "ask again by memory": "process {} is asked again for write {}, and decides by what it remembers",
    "write": "process {} does write {}, and tells its hub",
    "conflict": "process {} finds another head, and decides anew on write {}",
    "number": "process {} moves the head for write {}",
    "commit": "process {} commits write {} on the primary (number {}; 0 is no event)",
    "record": "process {} records the answer to write {}",
    "acknowledge": "process {} acknowledges write {}, and tells its hub",
    "repeat answer": "process {} answers write {} from its record",
    "give up": "the client of process {} gives up on write {}, without knowing its outcome",
    "crash": "process {} is killed and starts again",
    "replicate": "the majority has what the primary has",
    "fail over": "the primary fails; what the majority lacks is gone",
    "compact": "compaction moves the floor to {}",
    "move floor": "compaction's second transaction moves the floor",
    "restore": "a backup of number {} is restored",
    "look": "hub {} looks at the log, and publishes up to {}",
    "hear": "hub {} hears the doorbell, and publishes up to {}",
    "silence": "hub {} does not hear the doorbell",
    "snapshot": "the client fetches a snapshot of number {}",
    "head of snapshot": "a snapshot's head is read: number {}",
    "documents of snapshot": "the snapshot's documents are read, and the client has them",
    "connect": "the client connects to hub {} with number {}",
    "reset": "hub {} tells the client to begin anew: the cursor is of another epoch",
    "begin to catch up": "hub {} takes a first look, as the ring does not serve after {}",
    "catch up": "hub {} reads the database, and sends all from {} to {}",
    "send": "hub {} sends {} to {} from its ring",
    "receive": "the client receives {} to {}",
    "receive late": "the client receives {} to {}, from a connection that is no more",
    "disconnect": "the client loses its connection",
    "disconnect late": "the client loses its connection, and a frame of it is still to come",
}


def told(label: Label) -> str:
    verb, *numbers = label
    return _WORDS[verb].format(*numbers)


def lines(world: World, violation: Violation[State]) -> Iterator[str]:
    writes = ", ".join(
        f"{number} {one.verb} {one.to if one.verb == 'right' else one.doc}"
        for number, one in enumerate(world.script)
    )
    yield f"broken: {violation.property}"
    yield f"in the world of {world.name} (writes: {writes})"
    for number, label in enumerate(violation.trace, 1):
        yield f"{number:3}. {told(label)}"
    if violation.again:
        yield f"the last {violation.again} for ever"
    tip, replica = violation.state.tip, violation.state.replica
    yield f"head {tip.seq}, floor {tip.floor}, right {tip.right}, documents {tip.docs}"
    if replica.epoch != NOBODY:
        yield f"client at {replica.seq}, its right {replica.view}, documents {replica.docs}"
