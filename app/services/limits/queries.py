"""All access to the buckets' collection."""

from collections.abc import Sequence
from dataclasses import dataclass

from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.write_concern import WriteConcern

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.limits import Bucket
from app.services.limits.rules import Rate

# A primary that dies may forget the attempts of its last moment; waiting for a majority would cost more
# than all of the rest.
_QUICK = WriteConcern(1)


@dataclass(frozen=True, slots=True)
class Taken:
    count: int
    left: float


def _buckets(database: Database) -> AsyncCollection[Doc]:
    return database.collection(Bucket).with_options(write_concern=_QUICK)


async def take(database: Database, bucket_id: str, rate: Rate, wanted: int) -> Taken:
    """Take up to so many whole tokens, as `rules.take` does, in one atomic update by the server's clock.

    Outside of any transaction: what fails afterwards does not undo it.
    """
    found: Doc = await _buckets(database).find_one_and_update(  # type: ignore[assignment] # it is there now
        {"_id": bucket_id}, _taking(rate, wanted), upsert=True, return_document=ReturnDocument.AFTER
    )
    return Taken(int(found["taken"]), float(found["tokens"]))


async def give_back(database: Database, bucket_ids: Sequence[str]) -> None:
    """Put one token back into each; more than the capacity is spilt by the next `take`."""
    await _buckets(database).update_many({"_id": {"$in": list(bucket_ids)}}, {"$inc": {"tokens": 1.0}})


def _taking(rate: Rate, wanted: int) -> list[Doc]:
    at = {"$max": [{"$ifNull": ["$at", "$$NOW"]}, "$$NOW"]}
    elapsed_ms = {"$subtract": [at, {"$ifNull": ["$at", "$$NOW"]}]}
    held = {"$ifNull": ["$tokens", rate.capacity]}
    filled = {"$add": [held, {"$multiply": [elapsed_ms, rate.per_second / 1000]}]}
    whole = {"$max": [0, {"$floor": "$tokens"}]}
    seconds_to_fill = rate.capacity / rate.per_second
    return [
        {"$set": {"tokens": {"$min": [rate.capacity, filled]}, "at": at}},
        {"$set": {"taken": {"$min": [wanted, whole]}}},
        {
            "$set": {
                "tokens": {"$subtract": ["$tokens", "$taken"]},
                "full_at": {"$add": ["$at", round(seconds_to_fill * 1000)]},
            }
        },
    ]
