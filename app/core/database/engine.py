"""The connection to MongoDB: an ODMantic engine over PyMongo's own asyncio client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, TypeVar

import pymongo
from bson.codec_options import CodecOptions
from odmantic import Model
from odmantic.engine import AIOEngine, BaseEngine
from opentelemetry.trace import TracerProvider
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from app.core.config import Settings
from app.core.database import sent_on
from app.core.database.point_reader import PointReader
from app.core.database.server_time import ServerTime
from app.core.database.sessionless import SessionlessConnections
from app.core.database.superseded import SupersededPrimaries
from app.core.database.watching import CommandSpans, CommandTimes, Connections
from app.core.documents import Doc, Entity
from app.core.telemetry import Telemetry

M = TypeVar("M", bound=Model)

# Never j=False beside majority: the server then waits for the journal's timer, 100 ms a write.
DURABLE = WriteConcern("majority", j=True)
SNAPSHOT = ReadConcern("snapshot")
YIELD_EVERY = 50
CLOSE_SECONDS = 0.25
APP_NAME = "pastis"
"""How the server's own lists call what Pastis does there."""


def unhurried() -> AbstractContextManager[None]:
    """A block whose operations may take as long as they do."""
    # With None the driver takes the connection's own timeout; zero is none at all.
    return pymongo.timeout(0)


class Cursor(Awaitable[list[M]]):
    """The answer to a find: await it for a list, or iterate over it with `async for`."""

    def __init__(self, model: type[M], opening: Awaitable[Any]) -> None:
        self._model = model
        self._opening = opening

    def __await__(self) -> Generator[Any, None, list[M]]:
        return self._collect().__await__()

    async def __aiter__(self) -> AsyncIterator[M]:
        async for doc in await self._opening:
            yield self._model.model_validate_doc(doc)

    async def _collect(self) -> list[M]:
        found: list[M] = []
        async for instance in self:
            found.append(instance)
            # Parsing is CPU work: let other requests in now and then, but not for every document.
            if len(found) % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return found


class Engine(AIOEngine):
    """ODMantic's engine without Motor: reads, inserts and index set-up.

    Documents of a workspace are written by the unit of work alone, and nothing is ever saved whole, since
    ODMantic's save revives deleted documents and overwrites concurrent changes.
    """

    client: AsyncMongoClient[Doc]  # type: ignore[assignment]
    database: AsyncDatabase[Doc]  # type: ignore[assignment]

    def __init__(self, client: AsyncMongoClient[Doc], database: str) -> None:
        BaseEngine.__init__(self, client=client, database=database)  # type: ignore[arg-type]

    def get_collection(self, model: type[M]) -> AsyncCollection[Doc]:  # type: ignore[override]
        return self.database[model.__collection__]

    def find(  # type: ignore[override]
        self,
        model: type[M],
        *queries: Any,
        sort: Any = None,
        skip: int = 0,
        limit: int | None = None,
        session: AsyncClientSession | None = None,
    ) -> Cursor[M]:
        pipeline = self._prepare_find_pipeline(model, *queries, sort=sort, skip=skip, limit=limit)
        return Cursor(model, self.get_collection(model).aggregate(pipeline, session=session))

    async def insert(self, instance: Model, session: AsyncClientSession | None = None) -> None:
        """Write a new document; raises DuplicateKeyError where its id or a unique field is taken."""
        await self.get_collection(type(instance)).insert_one(instance.model_dump_doc(), session=session)

    def _refuse(self, *_args: Any, **_options: Any) -> Any:
        raise NotImplementedError("documents are written by commands through the unit of work")

    save = save_all = delete = remove = session = transaction = _refuse


class Database:
    """One process's connection to its database."""

    def __init__(
        self,
        client: AsyncMongoClient[Doc],
        name: str,
        connections: Connections | None = None,
        time: ServerTime | None = None,
    ) -> None:
        self.client = client
        self.name = name
        self.connections = connections or Connections()
        self.time = time or ServerTime()
        self.engine = Engine(client, name)
        self.timeout_seconds = client.options.timeout or 0.0
        self._collections: dict[tuple[type[Model], str], AsyncCollection[Doc]] = {}
        self._points: dict[type[Entity], PointReader] = {}
        self._knows_snapshots: bool | None = None

    @classmethod
    def connect(
        cls,
        settings: Settings,
        telemetry: Telemetry | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> "Database":
        """A connection made on first use; nothing is sent yet. Timeouts hold for every operation.

        Commands are counted and traced where somebody wants to know.
        """
        if settings.database_url is None:
            raise ValueError("database_url is not set")
        sessionless, superseded = SessionlessConnections(), SupersededPrimaries()
        connections, time = Connections(), ServerTime()
        client: AsyncMongoClient[Doc] = AsyncMongoClient(
            settings.database_url.get_secret_value(),
            appname=APP_NAME,
            tz_aware=True,
            w="majority",
            journal=True,
            readPreference="primary",
            retryReads=True,
            retryWrites=True,
            timeoutMS=int(settings.database_timeout_seconds * 1000),
            serverSelectionTimeoutMS=int(settings.database_timeout_seconds * 1000),
            connectTimeoutMS=int(settings.database_timeout_seconds * 1000),
            maxPoolSize=100,
            event_listeners=[
                sessionless,
                superseded,
                connections,
                time,
                *([] if telemetry is None else [CommandTimes(telemetry)]),
                *([] if tracer_provider is None else [CommandSpans(tracer_provider)]),
            ],
        )
        sessionless.client = superseded.client = client
        return cls(client, settings.database_name, connections, time)

    def collection(self, model: type[Model]) -> AsyncCollection[Doc]:
        return self._as(model, "it is")

    def committed(self, model: type[Model]) -> AsyncCollection[Doc]:
        """The collection without what a change of primary may still undo."""
        return self._as(model, "committed", read_concern=ReadConcern("majority"))

    def in_naive_times(self, model: type[Model]) -> AsyncCollection[Doc]:
        """The collection with times that do not say that they are UTC, at half the cost of reading many."""
        return self._as(model, "in naive times", codec_options=CodecOptions(tz_aware=False))

    def in_bytes(self, model: type[Model]) -> AsyncCollection[Doc]:
        """The collection with documents that are not read: `sent_on.bytes_of` gives what they are."""
        return self._as(model, "in bytes", codec_options=sent_on.IN_BYTES)

    def _as(self, model: type[Model], kind: str, **options: Any) -> AsyncCollection[Doc]:
        # Kept, as to make one takes the driver a tenth of the time that a query does.
        known = self._collections.get((model, kind))
        if known is None:
            known = self.engine.get_collection(model).with_options(**options)
            self._collections[model, kind] = known
        return known

    def points(self, model: type[Entity], projection: Doc) -> PointReader:
        """The reader that gathers point reads of a collection; the projection is the same for all callers."""
        reader = self._points.get(model)
        if reader is None:
            reader = self._points[model] = PointReader(self.in_bytes(model), model, projection)
        return reader

    def raw(self, name: str) -> AsyncCollection[Doc]:
        """A collection that has no model, by its name."""
        return self.engine.database[name]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncClientSession]:
        """A snapshot transaction that ends with the block: committed, or rolled back on an exception."""
        async with self.session() as session, await self.begin(session):
            yield session

    def session(self) -> AsyncClientSession:
        return self.client.start_session()

    @staticmethod
    async def begin(session: AsyncClientSession) -> Any:
        return await session.start_transaction(read_concern=SNAPSHOT, write_concern=DURABLE)

    async def knows_snapshots(self) -> bool:
        """Whether sessions can read at one moment without a transaction."""
        if self._knows_snapshots is None:
            # SecantusDB accepts such a session and then reads what is newest; its transactions are snapshots.
            build = await self.client.admin.command("buildInfo")
            self._knows_snapshots = "secantusVersion" not in build
        return self._knows_snapshots

    async def is_ready(self, within: float | None = None) -> bool:
        """Whether a primary answers within so many seconds, at most the timeout."""
        seconds = self.timeout_seconds if within is None else min(within, self.timeout_seconds)
        try:
            with pymongo.timeout(seconds):
                answer: Mapping[str, Any] = await self.client.admin.command("hello")
        except PyMongoError:
            return False
        return bool(answer.get("isWritablePrimary"))

    @staticmethod
    def within(seconds: float) -> AbstractContextManager[None]:
        """The operations of the block together take no longer, and fail otherwise."""
        return pymongo.timeout(seconds)

    async def create_indexes(self, models: Sequence[type[Model]]) -> None:
        """Make the indexes that the models declare; those that exist are left as they are."""
        for model in models:
            wanted = list(model.__indexes__())
            if wanted:
                # Building an index over much data takes its time; no request waits for it.
                with unhurried():
                    await self.collection(model).create_indexes(wanted)  # type: ignore[arg-type]

    async def close(self) -> None:
        # It takes leave of the server: of one that is away, not longer than this.
        with pymongo.timeout(CLOSE_SECONDS):
            await self.client.close()
