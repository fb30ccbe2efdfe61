"""The identity map of one transaction: what was read, what it is now, what must be written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import DeleteOne, InsertOne, UpdateOne

from app.core.database.engine import Database
from app.core.documents import Doc, Entity
from app.core.unit_of_work.ground import ConflictError, Ground
from app.core.unit_of_work.recent import Key, Recent

Write = InsertOne[Doc] | UpdateOne | DeleteOne

# What lets go of unique values before what takes them; of one kind together, as that is one round trip.
_WRITE_ORDER: Sequence[type] = (DeleteOne, UpdateOne, InsertOne)

# Left to itself the server weighs every index that begins with the workspace, which costs it more than the
# write.
BY_ID = "_id_"


@dataclass(slots=True)
class Entry:
    """A document as the database has it (`stored`) and as the commands so far have left it (`current`)."""

    stored: Doc | None
    current: Doc | None


class Batch:
    """All documents that the commands of one transaction have met, each once."""

    def __init__(self, database: Database, ground: Ground, workspace_id: str, recent: Recent) -> None:
        self._database = database
        self._recent = recent
        self._ground = ground
        self._workspace_id = workspace_id
        self.entries: dict[Key, Entry] = {}
        # A dictionary, as it keeps the order: a name is let go before another document takes it.
        self._dirty: dict[Key, None] = {}
        self.flushes = 0
        self.written = False
        """Whether anything was sent to the database."""

    @property
    def dirty(self) -> bool:
        """Whether anything waits to be sent to the database."""
        entries = (self.entries[key] for key in self._dirty)
        return any(entry.stored is not entry.current for entry in entries)

    async def load(self, model: type[Entity], ids: Collection[str]) -> None:
        """Read those of the documents that are not known yet, in one query."""
        missing = [id_ for id_ in ids if not self._has(model, id_)]
        if not missing:
            return
        query = {"_id": missing[0] if len(missing) == 1 else {"$in": missing}}
        found = {doc["_id"]: doc for doc in await self._read(model, query, hint=BY_ID)}
        for id_ in missing:
            self.entries[model, id_] = Entry(found.get(id_), found.get(id_))

    def _has(self, model: type[Entity], id_: str) -> bool:
        key = (model, id_)
        if key in self.entries:
            return True
        if not self._recent.knows(key):
            return False
        doc = self._recent.get(key)
        self.entries[key] = Entry(doc, doc)
        return True

    async def load_all(self, wanted: Mapping[type[Entity], Collection[str]]) -> None:
        for model, ids in wanted.items():
            await self.load(model, ids)

    async def find(
        self, model: type[Entity], query: Doc, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Doc]:
        """Documents by a query, which sees everything that the commands so far have written."""
        await self.flush()
        await self._ground.open()
        docs = await self._read(model, query, sort, limit)
        return [self._known(model, doc) for doc in docs]

    async def count(self, model: type[Entity], query: Doc, limit: int) -> int:
        """How many documents match, counted up to the limit."""
        await self.flush()
        session = await self._ground.open()
        return await self._database.collection(model).count_documents(
            {"workspace_id": self._workspace_id, **query}, limit=limit, session=session
        )

    def put(self, key: Key, doc: Doc | None) -> None:
        entry = self.entries.setdefault(key, Entry(None, None))
        entry.current = doc
        self._dirty[key] = None

    async def flush(self) -> None:
        """Write what changed since the last flush, one bulk write a collection."""
        if not self._dirty:
            return
        by_model: dict[type[Entity], list[Write]] = {}
        for key in self._dirty:
            write = _write(key, self.entries[key])
            if write is not None:
                by_model.setdefault(key[0], []).append(write)
        for model, writes in by_model.items():
            await self._bulk(model, sorted(writes, key=lambda write: _WRITE_ORDER.index(type(write))))
        for key in self._dirty:
            entry = self.entries[key]
            entry.stored = entry.current
        self._dirty.clear()
        self.flushes += 1

    async def _bulk(self, model: type[Entity], writes: list[Write]) -> None:
        # In order, or the driver goes on after an error that has ended the transaction, and reports the
        # second error, that there is no transaction, in place of the first.
        self.written = True
        session = await self._ground.open()
        result = await self._database.collection(model).bulk_write(writes, ordered=True, session=session)
        done = result.inserted_count + result.matched_count + result.deleted_count
        if done != len(writes):
            raise ConflictError

    async def _read(
        self,
        model: type[Entity],
        query: Doc,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        hint: str | None = None,
    ) -> list[Doc]:
        session = self._ground.reading
        collection = self._database.committed(model) if session is None else self._database.collection(model)
        cursor = collection.find(
            {"workspace_id": self._workspace_id, **query}, session=session, limit=limit, hint=hint
        )
        return await (cursor.sort(list(sort)) if sort else cursor).to_list()

    def _known(self, model: type[Entity], doc: Doc) -> Doc:
        entry = self.entries.get((model, doc["_id"]))
        if entry is None or entry.current is None:
            entry = self.entries[model, doc["_id"]] = Entry(doc, doc)
        assert entry.current is not None  # noqa: S101 - set above, or known to be there
        return entry.current


def _write(key: Key, entry: Entry) -> Write | None:
    """The targeted write that brings the database from `stored` to `current`."""
    id_ = key[1]
    before, after = entry.stored, entry.current
    if before is after or (before is None and after is None):
        return None
    if before is None:
        assert after is not None  # noqa: S101 - one of the two is there
        return InsertOne(after)
    guard = {"_id": id_, "workspace_id": before["workspace_id"], "version": before["version"]}
    if after is None:
        return DeleteOne(guard, hint=BY_ID)
    changed: dict[str, Any] = {name: value for name, value in after.items() if before.get(name) != value}
    return UpdateOne(guard, {"$set": changed}, hint=BY_ID) if changed else None
