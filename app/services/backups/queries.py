"""Reads everything for a backup, a batch at a time, and writes everything of a restore."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from bson.raw_bson import RawBSONDocument
from odmantic import Model
from pymongo import DeleteOne, ReplaceOne, UpdateOne

from app.core.database.engine import Database
from app.core.database.migrations import COLLECTION as MIGRATIONS
from app.core.database.migrations import LOCK
from app.core.documents import Doc, Entity
from app.core.log import Event, Head, Mutation
from app.models.audit import AuditEntry, AuditHead
from app.models.avatars import Avatar
from app.models.imports import ImportRun
from app.models.memberships import Membership
from app.models.users import User
from app.models.workspaces import Workspace

BATCH = 500
RESTORES = "restores"
"""Has a document for as long as a restore is not complete."""
Key = tuple[type[Entity], str]


async def heads(database: Database) -> list[Doc]:
    """Where each log stands, without what a change of primary may still undo."""
    return await database.committed(Head).find().sort("_id").to_list()


async def slugs(database: Database) -> dict[str, str]:
    found = await database.committed(Workspace).find({}, {"slug": 1}).to_list()
    return {doc["_id"]: doc["slug"] for doc in found}


async def migrations(database: Database) -> list[Doc]:
    """What has been migrated, in order; what is under way is not done."""
    done = {"_id": {"$ne": LOCK}, "state": "done"}
    return await database.raw(MIGRATIONS).find(done, {"name": 1}).sort("_id").to_list()


async def copies(
    database: Database, model: type[Model], query: Doc, fields: Sequence[str] = ()
) -> AsyncIterator[bytes]:
    """Documents as the server sends them: BSON, many at once. Each is as it was when it was read."""
    projection = dict.fromkeys(fields, 1) or None
    async for batch in database.committed(model).find_raw_batches(query, projection):
        yield cast("bytes", batch)  # the driver's types say documents


async def log(database: Database, workspace_id: str, after: int, until: int) -> AsyncIterator[bytes]:
    """The events of (after, until], in order."""
    query = {"workspace_id": workspace_id, "seq": {"$gt": after, "$lte": until}}
    async for batch in database.committed(Event).find_raw_batches(query, sort=[("seq", 1)]):
        yield cast("bytes", batch)


async def holds(database: Database) -> str | None:
    """A collection that has documents; None where the database is empty, or left by a restore."""
    if await restoring(database):
        return None
    for name in await database.engine.database.list_collection_names():
        empty = name in {MIGRATIONS, RESTORES} or await database.raw(name).find_one({}, {"_id": 1}) is None
        if not empty:
            return name
    return None


async def restoring(database: Database) -> bool:
    """Whether a restore is under way, or was interrupted."""
    return await database.raw(RESTORES).find_one() is not None


async def begin(database: Database, at: datetime) -> None:
    """Mark the database as incomplete, and remove what an interrupted restore left."""
    await database.raw(RESTORES).replace_one({"_id": "restore"}, {"at": at}, upsert=True)
    for name in await database.engine.database.list_collection_names():
        if name != RESTORES:
            await database.raw(name).drop()


async def end(database: Database) -> None:
    await database.raw(RESTORES).drop()


async def insert(database: Database, collection: str, docs: Sequence[bytes]) -> None:
    """New documents, as they lie in a backup."""
    await database.raw(collection).insert_many(map(RawBSONDocument, docs), ordered=False)


async def replace(database: Database, collection: str, docs: Sequence[bytes]) -> None:
    """Documents of which some may be there, from an earlier backup."""
    found = map(RawBSONDocument, docs)
    writes: list[Any] = [ReplaceOne({"_id": doc["_id"]}, doc, upsert=True) for doc in found]
    await database.raw(collection).bulk_write(writes, ordered=False)


async def set_fields(database: Database, collection: str, docs: Iterable[Doc]) -> None:
    """Fields of documents, where these are there."""
    writes = [UpdateOne({"_id": doc.pop("_id")}, {"$set": doc}) for doc in map(dict, docs)]
    await database.raw(collection).bulk_write(writes, ordered=False)


async def insert_heads(database: Database, found: Sequence[Doc]) -> None:
    if found:
        await database.collection(Head).insert_many(found)


async def insert_migrations(database: Database, done: Sequence[Doc]) -> None:
    if done:
        await database.raw(MIGRATIONS).insert_many(done)


async def load(database: Database, keys: Iterable[Key]) -> dict[Key, Doc]:
    ids: dict[type[Entity], list[str]] = {}
    for model, id_ in keys:
        ids.setdefault(model, []).append(id_)
    return {
        (model, doc["_id"]): doc
        for model, some in ids.items()
        for doc in await database.collection(model).find({"_id": {"$in": some}}).to_list()
    }


async def store(database: Database, docs: Mapping[Key, Doc | None]) -> None:
    """Write documents as they are now; None for those that are not."""
    writes: dict[type[Entity], list[Any]] = {}
    for (model, id_), doc in docs.items():
        where = {"_id": id_}
        write = DeleteOne(where) if doc is None else ReplaceOne(where, doc, upsert=True)
        writes.setdefault(model, []).append(write)
    for model, some in writes.items():
        await database.collection(model).bulk_write(some, ordered=False)


async def events(
    database: Database, workspace_id: str, after: int, until: int, *, back: bool = False
) -> AsyncIterator[list[Doc]]:
    """The events of (after, until], a batch at a time, in order or the last one first."""
    query = {"workspace_id": workspace_id, "seq": {"$gt": after, "$lte": until}}
    order, batch = [("seq", -1 if back else 1)], []
    async for event in database.collection(Event).find(
        query, {"seq": 1, "ops": 1}, sort=order, batch_size=BATCH
    ):
        batch.append(event)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def drop_answers(database: Database, ends: Mapping[str, int]) -> None:
    """Forget the answers to commands that are behind the end of their log: they have not been done."""
    gone = []
    async for answer in database.collection(Mutation).find({}, {"workspace_id": 1, "results.seq": 1}):
        last = max((one["seq"] or 0 for one in answer["results"]), default=0)
        if last > ends.get(answer["workspace_id"], 0):
            gone.append(answer["_id"])
    if gone:
        await database.collection(Mutation).delete_many({"_id": {"$in": gone}})


async def cut(database: Database, workspace_id: str, seq: int) -> None:
    """End a log at a number, and all that was done behind it and is not in documents.

    The audit log of a workspace ends before the first entry of an event that has not happened.
    """
    await _cut_imports(database, workspace_id, seq)
    await _cut_audit(database, workspace_id, seq)
    later = {"workspace_id": workspace_id, "seq": {"$gt": seq}}
    await database.collection(Event).delete_many(later)
    await database.collection(Head).update_one({"_id": workspace_id}, {"$set": {"seq": seq}})


async def _cut_imports(database: Database, workspace_id: str, seq: int) -> None:
    last = await database.collection(Event).find_one({"workspace_id": workspace_id, "seq": seq}, {"at": 1})
    if last is not None:
        later = {"workspace_id": workspace_id, "started_at": {"$gt": last["at"]}}
        await database.collection(ImportRun).delete_many(later)


async def _cut_audit(database: Database, chain: str, seq: int) -> None:
    entries = database.collection(AuditEntry)
    first = await entries.find_one({"chain": chain, "seq": {"$gt": seq}}, {"n": 1}, sort=[("n", 1)])
    ahead = {"_id": chain, "followed": {"$gt": seq}}
    await database.collection(AuditHead).update_one(ahead, {"$set": {"followed": seq}})
    if first is None:
        return
    await entries.delete_many({"chain": chain, "n": {"$gte": first["n"]}})
    last = await entries.find_one({"chain": chain}, {"n": 1, "hash": 1}, sort=[("n", -1)])
    end = {"n": first["n"] - 1, "hash": "$floor_hash" if last is None else last["hash"]}
    await database.collection(AuditHead).update_one({"_id": chain}, [{"$set": end}])


async def remove_workspace(database: Database, workspace_id: str) -> None:
    """Remove what is left of a workspace that had not been founded."""
    await database.collection(ImportRun).delete_many({"workspace_id": workspace_id})
    await database.collection(Head).delete_one({"_id": workspace_id})


async def shorten(database: Database, workspace_id: str, floor: int) -> None:
    """Remove the events that documents had to be brought forward by, and that the log has no more."""
    query = {"workspace_id": workspace_id, "seq": {"$lte": floor}}
    await database.collection(Event).delete_many(query)


async def mark_merging(database: Database, workspace_id: str) -> None:
    """Have merges that were under way go on; one that was at its end finds nothing to do."""
    merged = {"workspace_id": workspace_id, "merged_into_id": {"$type": "string"}}
    await database.collection(Membership).update_many(merged, {"$set": {"merging": True}})


async def drop_former_avatars(database: Database) -> None:
    """Pictures that somebody had, and has no more."""
    async for avatar in database.collection(Avatar).find({}, {"version": 1}):
        has = {"_id": avatar["_id"], "avatar_version": avatar["version"]}
        if await database.collection(User).find_one(has, {"_id": 1}) is None:
            await database.collection(Avatar).delete_one({"_id": avatar["_id"]})


async def memberships_of_nobody(database: Database, nobody: str) -> list[str]:
    """The memberships of accounts that are gone: those that are called so, and those that are not yet."""
    erased = {"user_id": None, "display_name": nobody}
    found: list[str] = await database.collection(Membership).distinct("_id", erased)
    join = {"from": User.__collection__, "localField": "user_id", "foreignField": "_id", "as": "user"}
    pipeline: Sequence[Doc] = [
        {"$match": {"user_id": {"$type": "string"}}},
        {"$lookup": join},
        {"$match": {"user": []}},
        {"$project": {"_id": 1}},
    ]
    orphans = await (await database.collection(Membership).aggregate(pipeline)).to_list()
    return [*found, *(doc["_id"] for doc in orphans)]


async def forget(database: Database, membership_ids: Sequence[str], nobody: str) -> None:
    """Take name and account from memberships, as their deletion did."""
    nameless = {"$set": {"display_name": nobody, "user_id": None}}
    await database.collection(Membership).update_many({"_id": {"$in": list(membership_ids)}}, nameless)


async def count(database: Database, collection: str) -> int:
    return await database.raw(collection).count_documents({})
