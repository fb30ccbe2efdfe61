"""Reads of the log, and of whole documents as of one moment."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pymongo import ReplaceOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from app.core.background import ahead
from app.core.database.engine import Database
from app.core.documents import Doc, Entity, public
from app.core.log import Event, Head
from app.models import ENTITIES
from app.models.comments import Comment
from app.models.memberships import Membership
from app.models.presences import Presence
from app.models.projects import Project
from app.models.tasks import State, Task
from app.models.tickets import Ticket
from app.models.tombstones import Tombstone
from app.models.workspaces import Workspace
from app.services.access.rules import WATCHED
from app.services.sync import rules
from app.services.sync.reach import Reach
from app.services.sync.rules import Departure
from app.utils.ids import new_id

ORDER = (
    *("workspace", "role", "membership", "invitation", "team", "label"),
    *("project", "grant", "link", "status", "task", "comment"),
)
"""Every kind after those that it names."""
BATCH = 1000
Session = AsyncClientSession
_EVENT = {"seq": 1, "actor": 1, "command": 1, "ops": 1}
_OP = (
    *("kind", "id", "verb", "version", "project_id", "set", "groups_before", "groups_after"),
    *("before.project_id", "before.role"),
)
_TOLD = {"_id": 0, "seq": 1, "actor.membership_id": 1, **{f"ops.{name}": 1 for name in _OP}}
"""What clients are told of, and no more: most of the work of telling is to take apart what was read."""


async def head(database: Database, workspace_id: str, session: Session) -> Doc | None:
    """Where the log stands; read first in a session, as the first read sets its moment."""
    return await database.collection(Head).find_one({"_id": workspace_id}, session=session)


async def heads(database: Database, workspace_ids: Collection[str]) -> dict[str, Doc]:
    """Where logs stand, without what a change of primary may still undo."""
    found = database.committed(Head).find({"_id": {"$in": list(workspace_ids)}})
    return {doc["_id"]: doc for doc in await found.to_list()}


async def events(
    database: Database, workspace_id: str, after: int, *, until: int | None = None, limit: int = BATCH
) -> list[Doc]:
    """The log behind a number, in its order."""
    bounds: Doc = {"$gt": after} if until is None else {"$gt": after, "$lte": until}
    query = {"workspace_id": workspace_id, "seq": bounds}
    found = database.committed(Event).find(query, _EVENT, sort=[("seq", 1)], limit=limit, batch_size=limit)
    return await found.to_list()


async def told(database: Database, workspace_id: str, after: int, until: int, session: Session) -> list[Doc]:
    """What clients are told of the events of `(after, until]`; times are naive."""
    found = database.in_naive_times(Event).find(
        _between(workspace_id, after, until),
        _TOLD,
        session=session,
        sort=[("seq", 1)],
        batch_size=until - after,
    )
    return await found.to_list()


async def events_of_rights(
    database: Database, workspace_id: str, after: int, until: int, session: Session
) -> list[Doc]:
    """The events of `(after, until]` that rights follow from."""
    query = {**_between(workspace_id, after, until), "ops.kind": {"$in": sorted(WATCHED)}}
    found = database.collection(Event).find(query, _EVENT, session=session, sort=[("seq", 1)])
    return await found.to_list()


async def departures(
    database: Database, workspace_id: str, after: int, known: int, until: int, session: Session
) -> list[Departure]:
    """What was deleted or left a project in `(after, until]`, in that order; the log goes back to `known`."""
    dead = database.collection(Tombstone).find(
        _between(workspace_id, after, known), session=session, sort=[("seq", 1)]
    )
    found = [
        Departure(doc["seq"], doc["kind"], doc["document_id"], doc["project_id"], doc["moved"])
        for doc in await dead.to_list()
    ]
    one: Doc = {"$or": [{"verb": "delete"}, {"before.project_id": {"$exists": True}}]}
    query = {**_between(workspace_id, known, until), "ops": {"$elemMatch": one}}
    events = database.collection(Event).find(query, _EVENT, session=session, sort=[("seq", 1)])
    return found + list(rules.departures(await events.to_list()))


async def renew_epochs(database: Database) -> int:
    ids = [doc["_id"] for doc in await database.collection(Head).find({}, {"_id": 1}).to_list()]
    renewed = [UpdateOne({"_id": id_}, {"$set": {"epoch": new_id()}}) for id_ in ids]
    if renewed:
        await database.collection(Head).bulk_write(renewed)
    return len(renewed)


async def first_since(database: Database, workspace_id: str, at: datetime) -> int | None:
    """The number of the first event that is not older than a time; None where all are."""
    query = {"workspace_id": workspace_id, "at": {"$gte": at}}
    found = await database.committed(Event).find_one(query, {"seq": 1}, sort=[("seq", 1)])
    return None if found is None else int(found["seq"])


async def shorten(
    database: Database, workspace_id: str, floor: int, to: int, gone: Iterable[Departure], session: Session
) -> bool:
    """Move the floor, leave tombstones, delete the events up to it; False where the floor was elsewhere."""
    head = {"_id": workspace_id, "floor": floor}
    moved = await database.collection(Head).update_one(
        head, {"$set": {"floor": to}, "$inc": {"writes": 1}}, session=session
    )
    if not moved.modified_count:
        return False
    dead = {doc["_id"]: doc for doc in (_tombstone(workspace_id, one) for one in gone)}
    if dead:
        writes = [ReplaceOne({"_id": id_}, doc, upsert=True) for id_, doc in dead.items()]
        await database.collection(Tombstone).bulk_write(writes, session=session)
    events = {"workspace_id": workspace_id, "seq": {"$lte": to}}
    await database.collection(Event).delete_many(events, session=session)
    return True


def _tombstone(workspace_id: str, one: Departure) -> Doc:
    how = "moved" if one.moved else "deleted"
    return {
        "_id": f"{workspace_id}:{one.kind}:{one.id}:{one.project_id or ''}:{how}",
        "workspace_id": workspace_id,
        "seq": one.seq,
        "kind": one.kind,
        "document_id": one.id,
        "project_id": one.project_id,
        "moved": one.moved,
    }


def _between(workspace_id: str, after: int, until: int) -> Doc:
    return {"workspace_id": workspace_id, "seq": {"$gt": after, "$lte": until}}


async def of_rights(database: Database, workspace_id: str, session: Session) -> dict[str, list[Doc]]:
    """All that rights follow from."""
    found = {}
    for kind in WATCHED:
        model = ENTITIES[kind]
        query = _whole(model, workspace_id)
        docs = await database.collection(model).find(query, session=session, batch_size=BATCH).to_list()
        found[kind] = [public(model, doc) for doc in docs]
    return found


def within(
    database: Database, workspace_id: str, reach: Reach, session: Session, since: int = 0
) -> AsyncGenerator[tuple[str, list[Doc]], None]:
    """Every document that somebody sees, in parts of one kind, in the order of the kinds; times are naive.

    With a number, only those that changed behind it. The next part is read while one works on this one, so it
    is to be closed where it is not read to the end.
    """
    return ahead(_within(database, workspace_id, reach, session, since))


async def _within(
    database: Database, workspace_id: str, reach: Reach, session: Session, since: int
) -> AsyncGenerator[tuple[str, list[Doc]], None]:
    changed: Doc = {"version": {"$gt": since}} if since else {}
    for kind in ORDER:
        model = ENTITIES[kind]
        async for query in _queries(database, model, workspace_id, reach, session):
            async for docs in _read(database, model, query | changed, session):
                yield kind, docs


async def _queries(
    database: Database, model: type[Entity], workspace_id: str, reach: Reach, session: Session
) -> AsyncIterator[Doc]:
    """What finds all that is seen of a collection: nothing, one query, or of comments one for some tasks."""
    if model is not Comment or model.KIND in reach.everywhere:
        query = _seen(model, workspace_id, reach)
        if query is not None:
            yield query
        return
    projects = _projects(reach, Comment.KIND)
    if not projects:
        return
    found = database.collection(Task).find(_in_projects(workspace_id, projects), {"_id": 1}, session=session)
    tasks = [doc["_id"] for doc in await found.to_list()]
    for begin in range(0, len(tasks), BATCH):
        yield {"workspace_id": workspace_id, "task_id": {"$in": tasks[begin : begin + BATCH]}}


async def called(
    database: Database,
    workspace_id: str,
    ids: Mapping[str, Iterable[str]],
    reach: Reach,
    session: Session,
) -> list[tuple[str, Doc]]:
    """Documents by their ids, by kind; of tasks those in reach, and the comments in reach on them."""
    found: list[tuple[str, Doc]] = []
    for kind in ORDER:
        wanted = list(ids.get(kind, ()))
        if wanted:
            model = ENTITIES[kind]
            query = {"_id": {"$in": wanted}, "workspace_id": workspace_id}
            read = await _all(database, model, query, session)
            found += [(kind, doc) for doc in read if kind != Task.KIND or _is_seen(Task, doc, reach)]
    tasks = [doc["id"] for kind, doc in found if kind == Task.KIND and _is_seen(Comment, doc, reach)]
    if tasks:
        query = {"workspace_id": workspace_id, "task_id": {"$in": tasks}}
        found += [(Comment.KIND, doc) for doc in await _all(database, Comment, query, session)]
    return found


def _is_seen(model: type[Entity], task: Doc, reach: Reach) -> bool:
    """Whether a task is, or what is part of it."""
    return reach.sees(model.KIND, {}, task["project_id"])


async def keep_ticket(database: Database, digest: str, life: timedelta, values: Doc) -> None:
    """By the database's clock, as those of processes may differ by more than a ticket lasts."""
    end = {"$add": ["$$NOW", int(life.total_seconds() * 1000)]}
    whole = [{"$set": {name: {"$literal": value} for name, value in values.items()} | {"expires_at": end}}]
    await database.collection(Ticket).update_one({"_id": digest}, whole, upsert=True)


async def take_ticket(database: Database, digest: str) -> Doc | None:
    """A ticket that is good, which nobody finds again."""
    query: Doc = {"_id": digest, "$expr": {"$gt": ["$expires_at", "$$NOW"]}}
    return await database.collection(Ticket).find_one_and_delete(query)


async def keep_people(database: Database, process_id: str, workspace_id: str, people: list[Doc]) -> None:
    """Let other processes know whom this one has in a workspace; nobody is no document.

    By the database's clock, which also ends what is not written again.
    """
    presences, id_ = database.collection(Presence), f"{workspace_id}:{process_id}"
    if people:
        doc = {"workspace_id": workspace_id, "people": people}
        change = {"$set": doc, "$currentDate": {"at": True}}
        await presences.update_one({"_id": id_}, change, upsert=True)
    else:
        await presences.delete_one({"_id": id_})


async def people(database: Database, process_id: str, workspace_ids: Collection[str]) -> dict[str, list[Doc]]:
    """What other processes have written of workspaces."""
    found: dict[str, list[Doc]] = {id_: [] for id_ in workspace_ids}
    query: Doc = {"workspace_id": {"$in": list(workspace_ids)}}
    for doc in await database.collection(Presence).find(query).to_list():
        if not doc["_id"].endswith(f":{process_id}"):
            found[doc["workspace_id"]].append(doc)
    return found


async def project_of(database: Database, workspace_id: str, task_id: str) -> str | None:
    query = {"_id": task_id, "workspace_id": workspace_id}
    found = await database.collection(Task).find_one(query, {"project_id": 1})
    return None if found is None else str(found["project_id"])


async def _all(database: Database, model: type[Entity], query: Doc, session: Session) -> list[Doc]:
    return [doc async for docs in _read(database, model, query, session) for doc in docs]


async def _read(
    database: Database, model: type[Entity], query: Doc, session: Session
) -> AsyncIterator[list[Doc]]:
    projection = dict.fromkeys(model.INTERNAL, 0)
    found = database.in_naive_times(model).find(query, projection, session=session, batch_size=BATCH)
    while docs := await found.to_list(BATCH):
        yield [{"id": doc.pop("_id"), **doc} for doc in docs]


def _seen(model: type[Entity], workspace_id: str, reach: Reach) -> Doc | None:
    """The query for what is seen of a collection, all of it for comments; None where that is nothing."""
    if model is Comment:
        return _whole(model, workspace_id)
    if model.PROJECT is None:
        if model.KIND not in reach.workspace:
            return None
        people = reach.people if model is Membership else None
        return _whole(model, workspace_id) | ({} if people is None else people.bound())
    projects = _projects(reach, model.KIND)
    if not projects:
        return None
    if model is Task:
        return _in_projects(workspace_id, projects)
    return {"workspace_id": workspace_id, ("_id" if model is Project else "project_id"): {"$in": projects}}


def _projects(reach: Reach, kind: str) -> list[str]:
    return [id_ for id_, kinds in reach.projects.items() if kind in kinds]


def _in_projects(workspace_id: str, projects: Sequence[str]) -> Doc:
    # As the lists' indexes begin, which are the only ones that know of projects.
    return {
        "workspace_id": workspace_id,
        "derived.state": {"$in": list(State)},
        "derived.lists": {"$in": list(projects)},
    }


def _whole(model: type[Entity], workspace_id: str) -> Doc:
    # A workspace is found by its id alone: its collection needs no other index.
    return {"_id" if model is Workspace else "workspace_id": workspace_id}
