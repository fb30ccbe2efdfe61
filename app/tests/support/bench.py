"""A workspace with nothing above the unit of work: commands on labels, and what they left behind."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.log import Event, Head, Mutation
from app.core.unit_of_work import Command, Context, Outcome, Work, Writers
from app.models import ENTITIES
from app.models.labels import Label
from app.models.workspaces import Workspace
from app.services.bootstrap import Services
from app.tests.support.clock import TestClock
from app.utils.ids import new_id

ACTOR = {"kind": "user", "user_id": "a user", "membership_id": "a membership"}
SOURCE = {"channel": "http", "client": "tests", "request_id": "a request"}
Decide = Callable[[Work], Awaitable[Any]]


def context(**changes: Any) -> Context:
    return Context(**{"actor": ACTOR, "source": SOURCE, **changes})


@dataclass
class Bench:
    database: Database
    writers: Writers
    workspace_id: str = field(default_factory=new_id)

    async def found(self) -> "Bench":
        """Make the workspace, which is event 1."""

        async def decide(work: Work) -> Workspace:
            return work.add(
                Workspace(
                    id=self.workspace_id,
                    workspace_id=self.workspace_id,
                    slug=f"bench-{self.workspace_id}",
                    name="Fluid Project",
                    description="",
                    created_at=work.now,
                    updated_at=work.now,
                )
            )

        await self.run(Command("workspace.create", decide, founds=True))
        return self

    def beside(self) -> "Bench":
        """The same workspace, written by what might be another process."""
        return Bench(self.database, make_writers(self.database), self.workspace_id)

    async def run(self, command: Command[Any], **changes: Any) -> Outcome[Any]:
        return await self.writers.run(self.workspace_id, command, context(**changes))

    async def run_all(self, commands: Sequence[Command[Any]], **changes: Any) -> list[Outcome[Any]]:
        return await self.writers.run_all(self.workspace_id, commands, context(**changes))

    async def together(self, *commands: Command[Any], **changes: Any) -> list[Any]:
        """Outcomes, or exceptions, of commands that are waiting when the writer takes its next group."""
        return await settled(*[self.run(command, **changes) for command in commands])

    async def labels(self) -> dict[str, Doc]:
        found = self.database.collection(Label).find({"workspace_id": self.workspace_id})
        return {doc["_id"]: doc async for doc in found}

    async def names(self) -> list[str]:
        return sorted(doc["name"] for doc in (await self.labels()).values())

    async def label(self, label_id: str) -> Doc:
        found = await self.database.collection(Label).find_one({"_id": label_id})
        assert found is not None
        return found

    async def events(self) -> list[Doc]:
        found = self.database.collection(Event).find({"workspace_id": self.workspace_id})
        return await found.sort("seq").to_list()

    async def seqs(self) -> list[int]:
        return [event["seq"] for event in await self.events()]

    async def mutations(self) -> list[Doc]:
        return await self.database.collection(Mutation).find({"workspace_id": self.workspace_id}).to_list()

    async def head(self) -> int:
        found = await self.database.collection(Head).find_one({"_id": self.workspace_id})
        return 0 if found is None else int(found["seq"])

    async def check_log(self) -> None:
        """The log has every number from 1 to the head, once, and each document's version is in it."""
        assert await self.seqs() == list(range(1, await self.head() + 1))
        last = {op["id"]: op["version"] for event in await self.events() for op in event["ops"]}
        assert {id_: doc["version"] for id_, doc in (await self.labels()).items()} == {
            id_: version for id_, version in last.items() if id_ in await self.labels()
        }


async def settled(*running: Awaitable[Any]) -> list[Any]:
    """What each gave, or the exception that it ended with."""
    return list(await asyncio.gather(*running, return_exceptions=True))


def make_writers(database: Database, **options: Any) -> Writers:
    return Writers(database, TestClock(), ENTITIES, options.get("reactions", {}))


async def make_bench(services: Services, **options: Any) -> Bench:
    return await Bench(services.database, make_writers(services.database, **options)).found()


def new_label(work: Work, name: str, label_id: str | None = None) -> Label:
    return Label(
        id=label_id or new_id(),
        workspace_id=work.workspace_id,
        name=name,
        folded=name.casefold(),
        color="#1f77b4",
        description="",
        created_at=work.now,
        updated_at=work.now,
    )


def create(name: str, label_id: str | None = None) -> Command[Label]:
    async def decide(work: Work) -> Label:
        return work.add(new_label(work, name, label_id))

    return Command("label.create", decide)


def update(label_id: str, **changes: Any) -> Command[Label]:
    async def decide(work: Work) -> Label:
        return work.update(await work.require(Label, label_id), **changes)

    return Command("label.update", decide, {Label: [label_id]})


def rename(label_id: str, name: str) -> Command[Label]:
    return update(label_id, name=name, folded=name.casefold())


def append(label_id: str, text: str) -> Command[Label]:
    """A change that shows every update that was lost."""

    async def decide(work: Work) -> Label:
        label = await work.require(Label, label_id)
        return work.update(label, description=label.description + text)

    return Command("label.update", decide, {Label: [label_id]})


def remove(label_id: str) -> Command[None]:
    async def decide(work: Work) -> None:
        work.remove(await work.require(Label, label_id))

    return Command("label.delete", decide, {Label: [label_id]})


def refuse(*before: Command[Any], look: bool = False, error: Exception | None = None) -> Command[None]:
    """A command that does what others do and is then refused; `look` makes it write and read in between."""

    async def decide(work: Work) -> None:
        for command in before:
            await command.decide(work)
        if look:
            await work.find(Label, {})
        raise error or PastisError(ErrorCode.ALREADY_EXISTS, kind="label", field="name")

    return Command("label.refused", decide)
