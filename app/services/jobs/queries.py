"""All access to the jobs' collection. Times are the database's, as the clocks of processes differ."""

from collections.abc import Collection, Sequence
from typing import Any

from pymongo import ReturnDocument

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.jobs import LEASE_SECONDS, Job, JobKind, JobState, asking

_IS_DUE: Doc = {"$expr": {"$lte": ["$due_at", "$$NOW"]}}
_WAITS = {"$in": [JobState.QUEUED.value, JobState.RUNNING.value]}
"""A running one is due when its lease has ended: whoever had it is gone."""


async def ask(database: Database, job: Job) -> None:
    query, update = asking(job)
    await database.collection(Job).update_one(query, update, upsert=True)


async def take(database: Database, kinds: Collection[JobKind], lease: str) -> Doc | None:
    """The job of these kinds that is due the longest."""
    query = {"kind": {"$in": [kind.value for kind in kinds]}, "state": _WAITS, **_IS_DUE}
    return await _take(database, query, lease)


async def take_one(database: Database, job_id: str, lease: str) -> Doc | None:
    """One job, whenever it is due, unless somebody else does it."""
    is_free = [{"lease": lease}, {"state": {"$ne": JobState.RUNNING.value}}, _IS_DUE]
    return await _take(database, {"_id": job_id, "$or": is_free}, lease)


async def _take(database: Database, query: Doc, lease: str) -> Doc | None:
    changes = {
        "state": JobState.RUNNING.value,
        "lease": lease,
        "attempts": {"$add": ["$attempts", 1]},
        "due_at": _later(LEASE_SECONDS),
    }
    return await database.collection(Job).find_one_and_update(
        query, [{"$set": changes}], sort=[("due_at", 1)], return_document=ReturnDocument.AFTER
    )


async def renew(database: Database, job: Doc) -> bool:
    """Whether it is still ours, which it is for another lease then."""
    return await _update(database, job, {"due_at": _later(LEASE_SECONDS)})


async def put_off(database: Database, job: Doc, seconds: float, attempts: int, error: str | None) -> None:
    changes = {"state": JobState.QUEUED.value, "lease": None, "attempts": attempts, "due_at": _later(seconds)}
    await _update(database, job, {**changes, "error": {"$literal": error}})


async def ask_again(database: Database, job: Doc, seconds: float) -> None:
    """As if it were asked for then."""
    anew = {"state": JobState.QUEUED.value, "lease": None, "attempts": 0, "error": None}
    await _update(database, job, {**anew, "created_at": _later(seconds), "due_at": _later(seconds)})


async def give_up(database: Database, job: Doc, error: str) -> None:
    failed = {"state": JobState.FAILED.value, "lease": None, "error": {"$literal": error}}
    await _update(database, job, failed)


async def delete(database: Database, job: Doc) -> None:
    await database.collection(Job).delete_one(_ours(job))


async def exists(database: Database, job_id: str) -> bool:
    return await database.collection(Job).find_one({"_id": job_id}, {"_id": 1}) is not None


async def delete_of_user(database: Database, user_id: str) -> None:
    await database.collection(Job).delete_many({"user_id": user_id})


async def find(database: Database, kind: JobKind | None, state: JobState | None, limit: int) -> Sequence[Doc]:
    query = {"kind": kind and kind.value, "state": state and state.value}
    asked = {name: value for name, value in query.items() if value is not None}
    return await database.collection(Job).find(asked).sort("created_at", 1).limit(limit).to_list()


async def retry(database: Database, job_ids: Collection[str] | None) -> int:
    """Queue those that were given up anew, all of them for None; give how many."""
    query: Doc = {"state": JobState.FAILED.value}
    if job_ids is not None:
        query["_id"] = {"$in": list(job_ids)}
    anew = {"state": JobState.QUEUED.value, "attempts": 0, "due_at": "$$NOW"}
    result = await database.collection(Job).update_many(query, [{"$set": anew}])
    return result.modified_count


async def drop(database: Database, job_ids: Collection[str]) -> int:
    """Delete those that were given up; give how many."""
    query = {"_id": {"$in": list(job_ids)}, "state": JobState.FAILED.value}
    return (await database.collection(Job).delete_many(query)).deleted_count


async def counts(database: Database) -> list[Doc]:
    """By `kind` and `state` in `_id`: how many (`n`), most seconds since one was `asked` for, and `due`."""
    found = {"n": {"$sum": 1}, "asked": {"$max": _since("$created_at")}, "due": {"$max": _since("$due_at")}}
    group = {"$group": {"_id": {"kind": "$kind", "state": "$state"}, **found}}
    return await (await database.collection(Job).aggregate([group])).to_list()


def _since(field: str) -> Doc:
    return {"$divide": [{"$subtract": ["$$NOW", field]}, 1000]}


def _later(seconds: float) -> Doc:
    return {"$add": ["$$NOW", round(seconds * 1000)]}


def _ours(job: Doc) -> Doc:
    return {"_id": job["_id"], "lease": job["lease"]}


async def _update(database: Database, job: Doc, changes: dict[str, Any]) -> bool:
    result = await database.collection(Job).update_one(_ours(job), [{"$set": changes}])
    return result.matched_count == 1
