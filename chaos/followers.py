"""Live clients of a workspace that write down what they were told, and hold it together as a chain."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx2
from pastis_client import Client, Command, PastisError, Workspace, commands
from pastis_client.replica import Frame, Replica


@dataclass
class Told:
    """What all clients together were told, and promised."""

    frames: int = 0
    connections: int = 0
    snapshots: int = 0
    silence: float = 0.0
    """The longest time that a client was without a frame."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Mutations, with the number of the event of each; 0 where nothing had to change."""
    refused: dict[str, str] = field(default_factory=dict)
    flaws: list[str] = field(default_factory=list)


class Chain:
    """The frames of one client: each begins where the one before it ended, or a snapshot begins anew."""

    def __init__(self, name: str, told: Told) -> None:
        self.name = name
        self.end: tuple[str, int] | None = None
        """The epoch and number that the last link leads to."""
        self._told = told
        self._at = monotonic()

    def begin(self, replica: Replica) -> None:
        here = (replica.epoch, replica.number)
        if self.end is not None:
            self._told.snapshots += 1
            if here[0] == self.end[0] and here[1] < self.end[1]:
                self._flaw(f"a snapshot of {here[1]} after {self.end[1]}")
        self._link(here)

    def add(self, frame: Frame, before: int) -> None:
        """A frame that was taken; `before` is the number of the replica at that time."""
        if (frame.epoch, frame.since) != self.end or before != frame.since:
            self._flaw(f"{frame.since}-{frame.to} follows {self.end}")
        if frame.to < frame.since:
            self._flaw(f"{frame.since}-{frame.to} goes back")
        self._told.frames += 1
        self._link((frame.epoch, frame.to))

    def finish(self, replica: Replica) -> None:
        """It must lead to what the client holds."""
        self.look()
        if self.end != (replica.epoch, replica.number):
            self._flaw(f"it leads to {self.end}, and the replica is at {replica.number}")

    def look(self) -> None:
        """How long it has been without a frame."""
        self._told.silence = max(self._told.silence, monotonic() - self._at)

    def _link(self, end: tuple[str, int]) -> None:
        self.look()
        self.end, self._at = end, monotonic()

    def _flaw(self, what: str) -> None:
        self._told.flaws.append(f"chain of {self.name}: {what}")


class Follower:
    """One client of the library, live, whose replica is watched as it takes what comes."""

    def __init__(self, url: str, token: str, workspace_id: str, name: str, told: Told) -> None:
        self.token = token
        self.name = name
        self.chain = Chain(name, told)
        self._told = told
        transport = httpx2.AsyncHTTPTransport(verify=False)  # plain HTTP; a context for each takes seconds
        self._client = Client(url, token=token, transport=transport)
        self.workspace = self._client.workspace(workspace_id)
        self._stack = AsyncExitStack()
        self._watch(self.workspace)

    def _watch(self, workspace: Workspace) -> None:
        local: Any = workspace._local  # noqa: SLF001 - it is what frames and answers go through
        apply, replace, online = local.apply, local.replace, local.online
        answered, refused = local.answered, local.refused

        def note_frame(frame: Frame) -> None:
            before, cursor = local.view.replica.number, local.view.replica.cursor
            apply(frame)
            if before == frame.since or local.view.replica.cursor != cursor:
                self.chain.add(frame, before)

        def note_snapshot(replica: Replica) -> None:
            self.chain.begin(replica)
            replace(replica)

        def note_online(*, connected: bool) -> None:
            self._told.connections += connected
            online(connected=connected)

        def note_answer(command: Command[Any], number: int) -> None:
            self._told.acknowledged[command.mutation_id] = number
            answered(command, number)

        def note_refusal(command: Command[Any], error: PastisError) -> None:
            self._told.refused[command.mutation_id] = repr(error)
            refused(command, error)

        local.apply, local.replace, local.online = note_frame, note_snapshot, note_online
        local.answered, local.refused = note_answer, note_refusal

    @property
    def replica(self) -> Replica:
        found: Replica = self.workspace._local.view.replica  # noqa: SLF001
        return found

    async def start(self) -> None:
        await self._stack.enter_async_context(self._client)
        await self._stack.enter_async_context(self.workspace)

    async def close(self) -> None:
        await self._stack.aclose()

    async def write_until(self, is_over: Callable[[], bool], pause: float, chance: random.Random) -> None:
        """One command after the other, each until it is answered."""
        number = 0
        while not is_over():
            number += 1
            pending = await self.workspace.do(self._make_up(f"{self.name} {number}", chance))
            try:
                await pending
            except PastisError as error:
                if self.workspace.ended is not None:
                    self._told.flaws.append(f"{self.name} was sent away: {error!r}")
                    return
            await asyncio.sleep(chance.uniform(0, 2 * pause))

    def _make_up(self, text: str, chance: random.Random) -> Command[Any]:
        projects, tasks = list(self.replica.of_kind("project")), list(self.replica.of_kind("task"))
        kind = chance.choices(["create", "update", "comment", "move"], [3, 5, 3, 2])[0]
        if kind == "create" or not tasks:
            return commands.create_task(chance.choice(projects), text)
        task = chance.choice(tasks)
        if kind == "update":
            return commands.update_task(task, title=text)
        if kind == "comment":
            return commands.create_comment(task, text)
        return commands.move_task(task, chance.choice(projects))
