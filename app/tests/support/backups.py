"""What tests of backups need: an installation of its own, work in it, and all that it keeps."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from odmantic import Model
from pymongo.errors import AutoReconnect

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.log import Event, Head
from app.main import create_app
from app.models import DOCUMENTS, ENTITIES
from app.services.backups import Archive, Made, Restored, RestoreEngine, rules, store_at
from app.services.backups.engine import BackupEngine
from app.services.bootstrap import Services
from app.services.memberships import Departures
from app.tests.conftest import SECRET
from app.tests.support.clients import Client, ok
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

KEY = b"a key of the tests, long enough for anything"
Everything = dict[str, dict[str, Doc]]


def archive(target: Path, key: bytes | None = None) -> Archive:
    return Archive(store_at(str(target)), key)


@asynccontextmanager
async def installation(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Services, Client]]:
    """An application with a database of its own."""
    own = settings.model_copy(update={"database_name": f"origin_{new_id()[-12:]}"})
    async with serving(own, clock) as (services, client):
        yield services, client
        await _drop(services.database)


async def _drop(database: Database) -> None:
    """While tests without a loop ran, the driver's monitors heard nothing: they break off what comes next."""
    for _ in range(20):
        try:
            return await database.client.drop_database(database.name)
        except AutoReconnect:
            await asyncio.sleep(0.1)
    raise AssertionError(database.name)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock | None) -> AsyncIterator[tuple[Services, Client]]:
    """An application, and a client of it."""
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app):
        services: Services = app.state.services
        await services.until_ready()
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=("2001:db8::1", 50_000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
            yield services, Client(http)


async def clear(database: Database) -> None:
    """Remove all documents; the indexes stay."""
    for model in DOCUMENTS:
        await database.collection(model).delete_many({})


@asynccontextmanager
async def empty(settings: Settings, clock: Clock) -> AsyncIterator[Services]:
    """A database that nobody has used."""
    own = settings.model_copy(update={"database_name": f"copy_{new_id()[-12:]}"})
    services = Services(own, Database.connect(own), SECRET.encode(), clock)
    try:
        yield services
        await services.database.client.drop_database(services.database.name)
    finally:
        await services.close()


async def back_up(services: Services, target: Archive, **options: Any) -> Made:
    return await BackupEngine(services.database, services.clock).backup(target, **options)


async def restore(services: Services, target: Archive, **options: Any) -> Restored:
    departures = Departures(services.database, services.writers)
    engine = RestoreEngine(services.database, services.sync, departures, services.clock)
    return await engine.restore(target, **options)


async def everything(database: Database) -> Everything:
    """All that a backup is of, as it is stored."""
    wanted: list[type[Model]] = [one for one in DOCUMENTS if one not in rules.LEFT_OUT and one is not Head]
    return {
        model.__collection__: {doc["_id"]: doc for doc in await database.collection(model).find().to_list()}
        for model in wanted
    }


async def of_workspace(database: Database, workspace_id: str) -> Everything:
    """The documents of a workspace without what is no part of its state at a number: see `rules.INTERNAL`."""
    found: Everything = {}
    for model in ENTITIES.values():
        hidden = dict.fromkeys(rules.INTERNAL.get(model, ()), 0)
        docs = await database.collection(model).find({"workspace_id": workspace_id}, hidden or None).to_list()
        found[model.__collection__] = {doc["_id"]: doc for doc in docs}
    return found


async def log_of(database: Database, workspace_id: str, until: int) -> list[Doc]:
    query = {"workspace_id": workspace_id, "seq": {"$lte": until}}
    return await database.collection(Event).find(query).sort("seq").to_list()


async def position(database: Database, workspace_id: str) -> Doc:
    found = await database.collection(Head).find_one({"_id": workspace_id})
    assert found is not None
    return found


class Writers:
    """People who work in a workspace until they are told to stop."""

    def __init__(self, workspaces: list[Workspace], count: int) -> None:
        self._stop = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._work(workspaces[number % len(workspaces)], random.Random(number)))
            for number in range(count)
        ]

    async def stop(self) -> int:
        """Let them finish what they do; gives how much they did."""
        self._stop.set()
        return sum(await asyncio.gather(*self._tasks))

    async def _work(self, workspace: Workspace, chance: random.Random) -> int:
        done, mine = 0, [await workspace.task()]
        deeds = _deeds(workspace, mine, chance)
        while not self._stop.is_set():
            await next(deeds)
            done += 1
        return done


def _deeds(workspace: Workspace, mine: list[dict[str, Any]], chance: random.Random) -> Iterator[Any]:
    api = workspace.api

    async def make() -> None:
        mine.append(await workspace.task(f"Task {chance.random()}"))

    async def change() -> None:
        task = chance.choice(mine)
        ok(await api.patch(f"/tasks/{task['id']}", {"title": f"{chance.random()}", "due_date": "2026-12-24"}))

    async def discuss() -> None:
        task = chance.choice(mine)
        comment = await workspace.comment(task, f"{chance.random()}")
        if chance.random() < 0.5:
            ok(await api.delete(f"/tasks/{task['id']}/comments/{comment['id']}"))

    async def word() -> None:
        label = await workspace.label(f"Label {chance.random()}")
        ok(await api.patch(f"/tasks/{chance.choice(mine)['id']}", {"label_ids": [label["id"]]}))
        ok(await api.delete(f"/labels/{label['id']}"))

    while True:
        yield chance.choice([make, change, change, discuss, word])()
