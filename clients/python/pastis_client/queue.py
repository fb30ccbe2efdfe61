"""Commands that wait for the server: in order, each done once, whatever is lost in between."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, Protocol, TypeVar

from pastis_client.backoff import Backoff
from pastis_client.calls import Answer
from pastis_client.commands import Command
from pastis_client.errors import PastisError, ProblemError, UnreachableError
from pastis_client.store import Store

T = TypeVar("T")


class Pending(Generic[T]):
    """A command under way. Awaiting it gives the answer's value, or raises why it was refused."""

    def __init__(self, command: Command[T]) -> None:
        self.command = command
        self._answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        # Nobody has to wait for it: refusals are told to the listener too.
        self._answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.shield(self._answer).__await__()

    def succeed(self, value: T) -> None:
        self._answer.set_result(value)

    def fail(self, error: Exception) -> None:
        self._answer.set_exception(error)


class Listener(Protocol):
    """Is told what became of each command, before whoever waits for it."""

    def answered(self, command: Command[Any], number: int) -> None:
        """It was done, as the event of this number; 0 where it changed nothing."""

    def refused(self, command: Command[Any], error: PastisError) -> None:
        """It was not done, and will not be."""


class Queue:
    """Sends one command after the other, and keeps in the store what has not been answered."""

    def __init__(
        self,
        send: Callable[[Command[Any]], Awaitable[Answer[Any]]],
        store: Store,
        name: str,
        listener: Listener,
    ) -> None:
        self._send = send
        self._store = store
        self._name = name
        self._listener = listener
        self._waiting: list[Pending[Any]] = []
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._poked = asyncio.Event()
        self._saving = asyncio.Lock()

    @property
    def commands(self) -> list[Command[Any]]:
        """Those without an answer, the next one first."""
        return [pending.command for pending in self._waiting]

    async def restore(self) -> None:
        """Take up what the store has from before."""
        for kept in await self._store.load(self._name) or []:
            self._add(Command.from_json(kept))

    async def put(self, command: Command[T]) -> Pending[T]:
        """Returns once the store has it: from then on it outlives the process.

        A command that waits already is the same one.
        """
        for waiting in self._waiting:
            if waiting.command.mutation_id == command.mutation_id:
                return waiting
        pending = self._add(command)
        await self._save()
        return pending

    async def run(self) -> None:
        """Send, until cancelled or the login has ended (LoginEndedError)."""
        backoff = Backoff()
        while True:
            await self._filled.wait()
            wait = await self._try(self._waiting[0])
            if wait is None:
                backoff.reset()
            else:
                await self._pause(wait + backoff.next())

    def poke(self) -> None:
        """The server is there again: do not wait any longer."""
        self._poked.set()

    def end(self, error: Exception) -> None:
        """Nothing is sent any more: tell whoever waits. The store keeps what waits."""
        for pending in self._waiting:
            pending.fail(error)

    async def drained(self) -> None:
        """Wait until everything has been answered, and the store knows."""
        await self._empty.wait()

    async def _try(self, pending: Pending[Any]) -> float | None:
        """None where the server has answered, be it with a refusal; else how many seconds it asks to wait."""
        command = pending.command
        self._poked.clear()
        try:
            answer = await self._send(command)
        except UnreachableError:
            return 0.0
        except ProblemError as problem:
            if problem.transient:
                return problem.retry_after or 0.0
            self._waiting.remove(pending)
            self._listener.refused(command, problem)
            pending.fail(problem)
        else:
            self._waiting.remove(pending)
            self._listener.answered(command, answer.number)
            pending.succeed(answer.value)
        await self._forget()
        return None

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._poked.wait()
        except TimeoutError:
            pass

    def _add(self, command: Command[T]) -> Pending[T]:
        pending = Pending(command)
        self._waiting.append(pending)
        self._filled.set()
        self._empty.clear()
        return pending

    async def _forget(self) -> None:
        if not self._waiting:
            self._filled.clear()
        await self._save()
        if not self._waiting:
            self._empty.set()

    async def _save(self) -> None:
        async with self._saving:
            await self._store.save(self._name, [command.to_json() for command in self.commands])
