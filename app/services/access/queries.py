"""The one read that opens a request: session, account, workspace, membership and projects together."""

from datetime import datetime
from typing import Any

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.sessions import Session
from app.models.users import User
from app.models.workspaces import Workspace


async def principal(
    database: Database, access_hash: str, now: datetime, workspace_ref: str | None
) -> Doc | None:
    """The living session with its `user`, and `membership` and `projects` of a workspace if one is named.

    Expiry is part of the query: a session that has ended is not found. The access token of before the last
    rotation has an end of its own.
    """
    either = [
        {"access_hash": access_hash, "access_expires_at": {"$gt": now}},
        {"previous_access_hash": access_hash, "previous_access_expires_at": {"$gt": now}},
    ]
    pipeline: list[Doc] = [
        {"$match": {"$or": either, "expires_at": {"$gt": now}}},
        _lookup(User, "user", {"user_id": "$user_id"}, "_id", "user_id"),
    ]
    if workspace_ref is not None:
        pipeline += _workspace_stages(workspace_ref)
    found = await (await database.collection(Session).aggregate(pipeline)).to_list()
    return found[0] if found else None


async def membership(database: Database, user_id: str, workspace_id: str) -> Doc | None:
    """An account's living membership in a workspace."""
    query = {"user_id": user_id, "workspace_id": workspace_id, "removed_at": None}
    return await database.collection(Membership).find_one(query)


async def workspaces_called(database: Database, name: str) -> list[Doc]:
    """The workspaces with this slug or name, the oldest first, each with its accounts' `memberships`."""
    members = {
        "from": Membership.__collection__,
        "localField": "_id",
        "foreignField": "workspace_id",
        "pipeline": [{"$match": {"user_id": {"$type": "string"}, "removed_at": None}}, {"$sort": {"_id": 1}}],
        "as": "memberships",
    }
    pipeline: list[Doc] = [
        {"$match": {"$or": [{"slug": name}, {"name": name}]}},
        {"$sort": {"_id": 1}},
        {"$limit": 2},
        {"$lookup": members},
    ]
    return await (await database.collection(Workspace).aggregate(pipeline)).to_list()


def _workspace_stages(ref: str) -> list[Doc]:
    by_ref: Doc = {"$match": {"$or": [{"_id": ref}, {"slug": ref}]}}
    workspace = {
        "$lookup": {"from": Workspace.__collection__, "pipeline": [by_ref, {"$limit": 1}], "as": "workspace"}
    }
    # SecantusDB does not take `$workspace._id` for the ids of all elements.
    first = {"$let": {"vars": {"found": {"$first": "$workspace"}}, "in": "$$found._id"}}
    return [
        workspace,
        {"$set": {"entered": first}},
        _lookup(
            Membership,
            "membership",
            {"user_id": "$user_id", "entered": "$entered"},
            "user_id",
            "user_id",
            {"workspace_id": "entered"},
        ),
        _lookup(Project, "projects", {"entered": "$entered"}, "workspace_id", "entered", keep={"key": 1}),
    ]


def _lookup(
    model: Any,
    name: str,
    let: Doc,
    field: str,
    variable: str,
    more: dict[str, str] | None = None,
    keep: Doc | None = None,
) -> Doc:
    equal = [{"$eq": [f"${own}", f"$${var}"]} for own, var in {field: variable, **(more or {})}.items()]
    pipeline: list[Doc] = [{"$match": {"$expr": {"$and": equal} if len(equal) > 1 else equal[0]}}]
    if keep is not None:
        pipeline.append({"$project": keep})
    return {"$lookup": {"from": model.__collection__, "let": let, "pipeline": pipeline, "as": name}}
