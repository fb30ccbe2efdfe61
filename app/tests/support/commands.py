"""What the driver sends: every command, and how the database would answer a query."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from app.core.config import Settings
from app.core.database import engine
from app.core.database.engine import Database
from app.core.documents import Doc

QUIET = frozenset({"endSessions", "hello", "ping"})


class Commands(CommandListener):
    """Keeps the commands that are sent, but for those that a connection needs."""

    def __init__(self) -> None:
        self.sent: list[Doc] = []

    def started(self, event: CommandStartedEvent) -> None:
        # The doorbell looks at the whole database, whatever a test does.
        of_doorbell = event.command.get("aggregate", event.command.get("collection")) in (1, "$cmd.aggregate")
        if event.command_name not in QUIET and not of_doorbell:
            self.sent.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass

    @property
    def names(self) -> list[str]:
        """What was asked of which collection, as `find tasks`."""
        return [f"{name} {command[name]}" for command in self.sent for name in list(command)[:1]]

    def take(self) -> list[Doc]:
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch, commands: Commands) -> Iterator[None]:
    """Clients that are made inside tell what they send."""
    with monkeypatch.context() as patch:

        def client(*args: Any, event_listeners: Sequence[Any] = (), **options: Any) -> AsyncMongoClient[Doc]:
            return AsyncMongoClient(*args, event_listeners=[*event_listeners, commands], **options)

        patch.setattr(engine, "AsyncMongoClient", client)
        yield


@asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[tuple[Database, Commands]]:
    """A connection of its own whose commands are kept."""
    commands = Commands()
    patch = pytest.MonkeyPatch()
    with listening(patch, commands):
        database = Database.connect(settings)
    try:
        yield database, commands
    finally:
        await database.close()


async def explained(database: Database, command: Doc, verbosity: str = "queryPlanner") -> Doc:
    """How the database answers just this `find`."""
    kept = ("find", "filter", "projection", "sort", "limit", "hint", "batchSize")
    query = {name: command[name] for name in kept if name in command}
    return dict(await database.client[database.name].command("explain", query, verbosity=verbosity))


def stages(plan: Any) -> set[str]:
    """The names of all stages of the plan that won."""
    if isinstance(plan, dict):
        if "queryPlanner" in plan:
            return stages(plan["queryPlanner"]["winningPlan"])
        own = {plan["stage"]} if "stage" in plan else set()
        return own.union(*(stages(value) for value in plan.values()))
    return set().union(*(stages(item) for item in plan)) if isinstance(plan, list) else set()
