"""All access to the memberships' collection but the look-up of a request, which is access's."""

from collections.abc import Sequence

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.log import Event, Mutation
from app.core.unit_of_work import Work
from app.models.memberships import Membership, Role
from app.models.users import User
from app.models.workspaces import Workspace
from app.services.access import Order, Page, PageRequest, Scope
from app.services.memberships import rules

BY_NAME = Order("display_name")


async def get(scope: Scope, membership_id: str) -> Doc | None:
    return await scope.collection(Membership).find_one({"_id": membership_id})


async def page(scope: Scope, request: PageRequest, *, removed: bool) -> Page:
    query: Doc = {"removed_at": {"$ne": None} if removed else None}
    return await scope.collection(Membership).page(query, BY_NAME, request, hint="memberships_by_name")


async def of_user(work: Work, user_id: str) -> Membership | None:
    found = await work.find(Membership, {"user_id": user_id}, limit=1)
    return found[0] if found else None


async def has_other_owner(database: Database, work: Work, membership: Membership) -> bool:
    """Whether somebody else owns the workspace, and can log in."""
    query: Doc = {"role": Role.OWNER.value, "removed_at": None, "_id": {"$ne": membership.id}}
    owners = [one.user_id for one in await work.find(Membership, query) if one.user_id is not None]
    return bool(await _active(database, owners))


async def _active(database: Database, user_ids: Sequence[str]) -> set[str]:
    query: Doc = {"_id": {"$in": list(user_ids)}, "active": True}
    return set(await database.collection(User).distinct("_id", query))


async def given_by(database: Database, user_id: str, source_id: str) -> set[str]:
    """The workspaces that an account is in because this source says so."""
    query: Doc = {"user_id": user_id, "given_by": source_id}
    found = database.collection(Membership).find(query, {"workspace_id": 1})
    return {doc["workspace_id"] for doc in await found.to_list()}


async def workspace_ids(database: Database, refs: list[str]) -> dict[str, str]:
    """The ids of the workspaces that these ids and short names name."""
    query: Doc = {"$or": [{"_id": {"$in": refs}}, {"slug": {"$in": refs}}]}
    found = await database.collection(Workspace).find(query, {"slug": 1}).to_list()
    return {doc[name]: doc["_id"] for name in ("slug", "_id") for doc in found}


async def of_account(database: Database, user_id: str) -> list[Doc]:
    """All memberships of an account, also those that have ended."""
    return await database.collection(Membership).find({"user_id": user_id}).sort("_id").to_list()


async def with_ids(database: Database, ids: Sequence[str]) -> list[Doc]:
    return await database.collection(Membership).find({"_id": {"$in": list(ids)}}).to_list()


async def last_owned(database: Database, user_id: str) -> list[str]:
    """The slugs of the workspaces that have no other owner who can log in."""
    living: Doc = {"role": Role.OWNER.value, "removed_at": None}
    mine = await database.collection(Membership).distinct("workspace_id", {**living, "user_id": user_id})
    other: Doc = {**living, "user_id": {"$nin": [None, user_id]}, "workspace_id": {"$in": mine}}
    owners = await database.collection(Membership).find(other, {"user_id": 1, "workspace_id": 1}).to_list()
    active = await _active(database, [one["user_id"] for one in owners])
    shared = {one["workspace_id"] for one in owners if one["user_id"] in active}
    alone = {"_id": {"$in": [one for one in mine if one not in shared]}}
    return sorted(await database.collection(Workspace).distinct("slug", alone))


async def clean_log(database: Database, workspace_id: str, membership_id: str) -> None:
    """Rewrite the events of a membership, and drop the answers that were kept to be given again."""
    events = database.collection(Event)
    async for event in events.find({"workspace_id": workspace_id, "refs": membership_id}):
        ops = rules.without_person(event["ops"], membership_id)
        await events.update_one({"_id": event["_id"]}, {"$set": {"ops": ops}})
    answers = {"workspace_id": workspace_id, "results.value.doc._id": membership_id}
    await database.collection(Mutation).delete_many(answers)
