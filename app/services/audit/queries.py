"""All access to the audit log, and what it looks up in the workspaces' logs and memberships."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.log import Event, Head
from app.models.audit import AuditEntry, AuditHead, AuditKind
from app.models.memberships import Membership
from app.models.users import User

_SHOWN = {"previous_hash": 0, "hash": 0}


async def tail(database: Database, chain: str) -> tuple[int, str]:
    """The number and hash that the next entry of a chain stands on.

    The head counts where entries behind it are gone, so that the gap stays to be seen.
    """
    head = await database.collection(AuditHead).find_one({"_id": chain})
    last = await database.collection(AuditEntry).find_one(
        {"chain": chain}, {"n": 1, "hash": 1}, sort=[("n", -1)]
    )
    known = [(0, "")]
    if head is not None:
        known += [(head["floor"], head["floor_hash"]), (head["n"], head["hash"])]
    if last is not None:
        known.append((last["n"], last["hash"]))
    return max(known, key=lambda one: one[0])


class Appended(Enum):
    DONE = "done"
    KNOWN = "known"
    """The event has been copied before."""
    RACED = "raced"
    """Another process has taken the number."""


async def append(database: Database, entry: Doc) -> Appended:
    """Insert an entry, whose number is the lock; then tell the head."""
    collection = database.collection(AuditEntry)
    try:
        await collection.insert_one(entry)
    except DuplicateKeyError:
        event = {"chain": entry["chain"], "seq": entry["seq"]}
        known = entry["seq"] is not None and await collection.find_one(event, {"_id": 1})
        return Appended.KNOWN if known else Appended.RACED
    is_newer = {"$gt": [entry["n"], {"$ifNull": ["$n", 0]}]}
    moved = {name: {"$cond": [is_newer, entry[name], f"${name}"]} for name in ("n", "hash")}
    await _set_head(database, entry["chain"], moved)
    return Appended.DONE


async def _set_head(database: Database, chain: str, changes: Doc) -> None:
    """Change a head, in one update that also makes it."""
    made = AuditHead(id=chain).model_dump_doc()
    present = {name: {"$ifNull": [f"${name}", value]} for name, value in made.items() if name != "_id"}
    update = [{"$set": present | changes}]
    await database.collection(AuditHead).update_one({"_id": chain}, update, upsert=True)


async def workspaces_of(database: Database, user_id: str) -> list[str]:
    """The workspaces that an account is in."""
    query = {"user_id": user_id, "removed_at": None}
    found = await database.collection(Membership).find(query, {"workspace_id": 1}).to_list()
    return [doc["workspace_id"] for doc in found]


async def account_of(database: Database, workspace_id: str, membership_id: str) -> str | None:
    query = {"_id": membership_id, "workspace_id": workspace_id}
    found = await database.collection(Membership).find_one(query, {"user_id": 1})
    return None if found is None else found["user_id"]


async def find(database: Database, query: Doc, limit: int) -> list[Doc]:
    """Matching entries, the latest first."""
    found = database.collection(AuditEntry).find(
        query, _SHOWN, sort=[("at", -1), ("_id", -1)], limit=limit, batch_size=limit
    )
    return await found.to_list()


async def count(database: Database, query: Doc) -> int:
    return await database.collection(AuditEntry).count_documents(query)


async def stream(database: Database, query: Doc) -> AsyncIterator[Doc]:
    """Matching entries, the oldest first."""
    async with database.collection(AuditEntry).find(query, sort=[("at", 1), ("_id", 1)]) as found:
        async for doc in found:
            yield doc


async def chains(database: Database) -> dict[str, Doc | None]:
    """The heads by chain; None for a chain that has entries and no head."""
    found: dict[str, Doc | None] = dict.fromkeys(await database.collection(AuditEntry).distinct("chain"))
    heads = await database.collection(AuditHead).find().to_list()
    return found | {head["_id"]: head for head in heads}


async def entries(database: Database, chain: str) -> AsyncIterator[Doc]:
    """A chain in its order."""
    async with database.collection(AuditEntry).find({"chain": chain}, sort=[("n", 1)]) as found:
        async for doc in found:
            yield doc


async def last_before(database: Database, chain: str, cutoff: datetime) -> Doc | None:
    """The last entry of a chain's beginning that is older than this."""
    collection = database.collection(AuditEntry)
    kept = await collection.find_one({"chain": chain, "at": {"$gte": cutoff}}, {"n": 1}, sort=[("n", 1)])
    query: Doc = {"chain": chain} if kept is None else {"chain": chain, "n": {"$lt": kept["n"]}}
    return await collection.find_one(query, {"n": 1, "hash": 1}, sort=[("n", -1)])


async def chains_older(database: Database, cutoff: datetime) -> list[str]:
    return await database.collection(AuditEntry).distinct("chain", {"at": {"$lt": cutoff}})


async def chains_of_deleted(database: Database, cutoff: datetime) -> list[str]:
    """Those of accounts that were deleted before; a deletion that was taken back does not count."""
    deleted = {"kind": AuditKind.ACCOUNT_DELETE.value, "at": {"$lte": cutoff}}
    chains = await database.collection(AuditEntry).distinct("chain", deleted)
    there = await database.collection(User).distinct("_id", {"_id": {"$in": chains}})
    return [chain for chain in chains if chain not in there]


async def raise_floor(database: Database, chain: str, n: int, hash_: str) -> None:
    """Remove a chain's entries up to this one. The floor moves first: what is left over shows no gap."""
    floor = {"floor": n, "floor_hash": hash_}
    await database.collection(AuditHead).update_one({"_id": chain, "floor": {"$lt": n}}, {"$set": floor})
    await database.collection(AuditEntry).delete_many({"chain": chain, "n": {"$lte": n}})


async def behind(database: Database) -> list[str]:
    """The workspaces whose log has events that have not been looked at."""
    pipeline: Sequence[Mapping[str, Any]] = [
        {
            "$lookup": {
                "from": AuditHead.__collection__,
                "localField": "_id",
                "foreignField": "_id",
                "as": "audit",
            }
        },
        {"$match": {"$expr": {"$gt": ["$seq", {"$ifNull": [{"$first": "$audit.followed"}, 0]}]}}},
        {"$project": {"_id": 1}},
    ]
    found = await (await database.collection(Head).aggregate(pipeline)).to_list()
    return [doc["_id"] for doc in found]


async def followed(database: Database, workspace_id: str) -> tuple[int, int]:
    """How far a workspace's log has been copied, and how far it goes."""
    audit = await database.collection(AuditHead).find_one({"_id": workspace_id}, {"followed": 1})
    head = await database.committed(Head).find_one({"_id": workspace_id}, {"seq": 1})
    return (audit or {}).get("followed", 0), 0 if head is None else head["seq"]


async def events(
    database: Database, workspace_id: str, after: int, until: int, wanted: Doc, limit: int
) -> list[Doc]:
    """Events that match, the oldest first."""
    query = {"workspace_id": workspace_id, "seq": {"$gt": after, "$lte": until}, **wanted}
    return await database.committed(Event).find(query, sort=[("seq", 1)], limit=limit).to_list()


async def set_followed(database: Database, workspace_id: str, seq: int) -> None:
    further = {"$max": [{"$ifNull": ["$followed", 0]}, seq]}
    await _set_head(database, workspace_id, {"followed": further})
