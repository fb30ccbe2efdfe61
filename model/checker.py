"""Looks at every state that a model can come to, the nearest first: what it finds is as short as can be."""

from array import array
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Generic, Protocol, TypeVar

State = TypeVar("State", bound=Hashable)
Label = tuple[str, *tuple[int, ...]]
"""What happens, and to whom; made into words only where it is shown."""

RESTLESS = "when faults stop, everything comes to rest"


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """One thing that may happen next. `due` is what happens by itself, sooner or later, without any fault."""

    label: Label
    state: State
    due: bool


class Model(Protocol[State]):
    def initial(self) -> State: ...

    def steps(self, state: State) -> Iterable[Step[State]]: ...

    def alike(self, state: State) -> State:
        """The one that stands for all states that differ in nothing but names."""
        ...

    def broken(self, state: State) -> str | None:
        """The property that does not hold in a state."""
        ...

    def unrest(self, state: State) -> str | None:
        """The property that does not hold in a state in which nothing more is due."""
        ...


@dataclass(frozen=True, slots=True)
class Violation(Generic[State]):
    """A property, the shortest way to break it, and where that led."""

    property: str
    trace: list[Label]
    state: State
    again: int = 0
    """The last so many steps can go on for ever."""


@dataclass(frozen=True, slots=True)
class Report(Generic[State]):
    states: int
    steps: int
    depth: int
    seconds: float
    verbs: frozenset[str]
    """Of all labels: what has happened at all."""
    violation: Violation[State] | None


def explore(model: Model[State], limit: int = 10_000_000) -> Report[State]:
    """All states, breadth first, until one breaks a property."""
    begun = monotonic()
    first = model.alike(model.initial())
    numbers = {first: 0}
    states = [first]
    parents = array("l", [-1])
    depths = array("l", [0])
    graph = _Graph()
    steps = 0
    verbs: set[str] = set()

    def report(violation: Violation[State] | None) -> Report[State]:
        return Report(len(states), steps, depths[-1], monotonic() - begun, frozenset(verbs), violation)

    for number, state in enumerate(states):  # which grows meanwhile
        if len(states) > limit:
            raise RuntimeError(f"more than {limit} states")
        broken = model.broken(state)
        due: list[int] = []
        if broken is None:
            for step in model.steps(state):
                steps += 1
                verbs.add(step.label[0])
                after = model.alike(step.state)
                known = numbers.setdefault(after, len(states))
                if known == len(states):
                    states.append(after)
                    parents.append(number)
                    depths.append(depths[number] + 1)
                if step.due:
                    due.append(known)
            broken = None if due else model.unrest(state)
        if broken is not None:
            path = [states[one] for one in _path(parents, number)]
            return report(_told(model, broken, path, 0))
        graph.add(due)
    circle = graph.circle()
    if not circle:
        return report(None)
    path = [states[one] for one in [*_path(parents, circle[0]), *circle[1:], circle[0]]]
    return report(_told(model, RESTLESS, path, len(circle)))


class _Graph:
    """What is due after which state."""

    def __init__(self) -> None:
        self._starts = array("l", [0])
        self._ends = array("l")

    def add(self, due: list[int]) -> None:
        self._ends.extend(due)
        self._starts.append(len(self._ends))

    def _after(self, number: int) -> Iterator[int]:
        return iter(self._ends[self._starts[number] : self._starts[number + 1]])

    def circle(self) -> list[int]:
        """Some states that are due one after the other for ever; none where all comes to an end."""
        count = len(self._starts) - 1
        before = array("l", bytes(count * self._starts.itemsize))
        for end in self._ends:
            before[end] += 1
        free = [number for number in range(count) if not before[number]]
        for number in free:  # which grows meanwhile
            for after in self._after(number):
                before[after] -= 1
                if not before[after]:
                    free.append(after)
        if len(free) == count:
            return []
        bound = {number for number in range(count) if before[number]}
        # Each of these is behind a circle or on one: walking on among them comes to a state again.
        leading = {number for number in bound if any(after in bound for after in self._after(number))}
        while len(leading) < len(bound):
            bound = leading
            leading = {number for number in bound if any(after in bound for after in self._after(number))}
        walk = [min(bound)]
        while (after := next(one for one in self._after(walk[-1]) if one in bound)) not in walk:
            walk.append(after)
        return walk[walk.index(after) :]


def _path(parents: "array[int]", number: int) -> list[int]:
    path = [number]
    while parents[path[-1]] >= 0:
        path.append(parents[path[-1]])
    return path[::-1]


def _told(model: Model[State], broken: str, path: list[State], again: int) -> Violation[State]:
    """Walk the way again without putting states for others, so that each keeps its name."""
    state = model.initial()
    trace: list[Label] = []
    for wanted in path[1:]:
        step = next(one for one in model.steps(state) if model.alike(one.state) == wanted)
        trace.append(step.label)
        state = step.state
    return Violation(broken, trace, state, again)
