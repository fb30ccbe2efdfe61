"""The migrations of this version, in order. Numbers are never reused; what has landed is never changed."""

from collections.abc import Sequence
from datetime import timedelta

from pymongo import UpdateOne

from app.core.database.engine import Database
from app.core.database.migrations import Migration, Progress
from app.core.documents import Doc
from app.core.jobs import Job
from app.core.log import Event
from app.models import ENTITIES
from app.models.memberships import Membership, MembershipType
from app.models.projects import Project, Visibility


async def _baseline(_database: Database, _progress: Progress) -> None:
    """The first layout: nothing to change, but the database is marked as one of ours."""


async def _roles(database: Database, _progress: Progress) -> None:
    """What projects and memberships of earlier versions lack: everybody saw every project."""
    await database.raw(Project.__collection__).update_many(
        {"visibility": {"$exists": False}}, {"$set": {"visibility": Visibility.WORKSPACE.value}}
    )
    await database.raw(Membership.__collection__).update_many(
        {"custom_role_id": {"$exists": False}}, {"$set": {"custom_role_id": None}}
    )


async def _membership_types(database: Database, _progress: Progress) -> None:
    """What memberships of earlier versions lack: all were people."""
    await database.raw(Membership.__collection__).update_many(
        {"type": {"$exists": False}}, {"$set": {"type": MembershipType.PERSON.value}}
    )


async def _merges(database: Database, _progress: Progress) -> None:
    """What memberships of earlier versions lack: none had been merged."""
    await database.raw(Membership.__collection__).update_many(
        {"merged_into_id": {"$exists": False}}, {"$set": {"merged_into_id": None}}
    )


async def _places(database: Database, _progress: Progress) -> None:
    """What operations of earlier versions lack: the project of their document, as replaying the log tells."""
    events = database.raw(Event.__collection__)
    for workspace_id in await events.distinct("workspace_id"):
        places: dict[tuple[str, str], str | None] = {}
        writes: list[UpdateOne] = []
        async for event in events.find({"workspace_id": workspace_id}, {"ops": 1}).sort("seq", 1):
            ops = [{**op, "project_id": _place(places, op)} for op in event["ops"]]
            writes.append(UpdateOne({"_id": event["_id"]}, {"$set": {"ops": ops}}))
            if len(writes) == _BATCH:
                await events.bulk_write(writes, ordered=False)
                writes.clear()
        if writes:
            await events.bulk_write(writes, ordered=False)


_BATCH = 500


def _place(places: dict[tuple[str, str], str | None], op: Doc) -> str | None:
    """The project of an operation's document after it; remembers it, for what is part of the document."""
    key, place = (op["kind"], op["id"]), ENTITIES[op["kind"]].PROJECT
    values = {**op["before"], **op["set"]}
    if op["kind"] == Project.KIND:
        places[key] = op["id"]
    elif isinstance(place, str):
        places[key] = values.get(place, places.get(key))
    elif place is not None and place[1] in values:
        # A comment is where its task is, whenever that moves: the key of its task is kept in its place.
        places[key] = values[place[1]]
    found = places.get(key)
    return places.get((place[0].KIND, found or "")) if isinstance(place, tuple) else found


async def _jobs(database: Database, _progress: Progress) -> None:
    """Mails of earlier versions had a collection of their own; those that wait become jobs."""
    mails, jobs = database.raw("mails"), database.raw(Job.__collection__)
    async for mail in mails.find():
        new = {name: value for name, value in mail.items() if name not in {"_id", "letter"}} | {
            "kind": "mail",
            "payload": {"letter": mail["letter"]},
            "lease": None,
            "expires_at": mail["created_at"] + timedelta(days=30),
        }
        await jobs.update_one({"_id": mail["_id"]}, {"$setOnInsert": new}, upsert=True)
        await mails.delete_one({"_id": mail["_id"]})
    await mails.drop()


MIGRATIONS: Sequence[Migration] = (
    Migration(1, "baseline", _baseline),
    Migration(2, "roles", _roles),
    Migration(3, "membership types", _membership_types),
    Migration(4, "merges", _merges),
    Migration(5, "places of operations", _places),
    Migration(6, "jobs", _jobs),
)
