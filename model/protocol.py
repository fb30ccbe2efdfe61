"""The model put together: what may happen in a world, and what must hold in it."""

from collections.abc import Iterator

from model import database, hubs, properties, streams, writers
from model.checker import Step
from model.state import NOBODY, State
from model.worlds import World


class Sync:
    """Two writers and two hubs on one database, and a client."""

    def __init__(self, world: World) -> None:
        self._world = world

    def initial(self) -> State:
        return self._world.initial()

    def steps(self, state: State) -> Iterator[Step[State]]:
        world = self._world
        parts = (writers, database, hubs, streams) if world.reader else (writers, database)
        for part in parts:
            for label, after, due in part.steps(world, state):
                yield Step(label, after, due)

    def alike(self, state: State) -> State:
        """Which process is the first and which the second makes no difference."""
        one, two = state.processes
        stream = state.stream
        if one < two or (one == two and stream.process != 1):
            return state
        if stream.process != NOBODY:
            stream = stream._replace(process=1 - stream.process)
        return state._replace(processes=(two, one), stream=stream)

    def broken(self, state: State) -> str | None:
        return properties.broken(self._world, state)

    def unrest(self, state: State) -> str | None:
        return properties.unrest(self._world, state)
