"""The one read that opens a request: credential, account, workspace, membership and projects together."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from odmantic import Model

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.grants import Grant
from app.models.links import Link, Visit
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.roles import CustomRole
from app.models.sessions import Session
from app.models.teams import Team
from app.models.tokens import ApiToken
from app.models.users import User
from app.models.workspaces import Workspace
from app.services.access.rules import ADMINS
from app.services.access.standing import PrincipalKind

_PROJECT: Doc = {"key": 1, "lead_id": 1, "visibility": 1}
_ROLE: Doc = {"permissions": 1}


async def login(database: Database, access_hash: str, now: datetime, workspace_ref: str | None) -> Doc | None:
    """The living session with its `user`, and `membership` and `projects` of a workspace if one is named.

    Expiry is part of the query: a session that has ended is not found. The access token of before the last
    rotation has an end of its own.
    """
    either = [
        {"access_hash": access_hash, "access_expires_at": {"$gt": now}},
        {"previous_access_hash": access_hash, "previous_access_expires_at": {"$gt": now}},
    ]
    found = _named(access_hash) or {"$or": either}
    living: Doc = {**found, "expires_at": {"$gt": now}}
    return await _first_of(database, Session, [{"$match": living}, *_account_stages(workspace_ref)])


async def logins(database: Database, digests: Collection[str], now: datetime) -> dict[str, Doc]:
    """The living sessions of these access tokens, by their hashes, with what `login` finds of each."""
    asked = list(digests)
    either = [
        {"access_hash": {"$in": asked}, "access_expires_at": {"$gt": now}},
        {"previous_access_hash": {"$in": asked}, "previous_access_expires_at": {"$gt": now}},
    ]
    living: Doc = {"$match": {"$or": either, "expires_at": {"$gt": now}}}
    found = await (await database.collection(Session).aggregate([living, *_account_stages(None)])).to_list()
    return {digest: doc for doc in found for digest in _living_hashes(doc, now)}


def _living_hashes(session: Doc, now: datetime) -> Iterator[str]:
    yield from (
        session[f"{which}_hash"]
        for which in ("access", "previous_access")
        if session[f"{which}_hash"] and session[f"{which}_expires_at"] > now
    )


async def token(database: Database, digest: str, now: datetime, workspace_ref: str | None) -> Doc | None:
    """The living API token of an account, with what `login` finds."""
    return await _first_of(database, ApiToken, [_living(digest, now), *_account_stages(workspace_ref)])


async def service_token(
    database: Database, digest: str, now: datetime, workspace_ref: str | None
) -> Doc | None:
    """The living token of a service account, with what it has in the workspace if that is its own."""
    stages = [] if workspace_ref is None else _service_stages(workspace_ref)
    return await _first_of(database, ApiToken, [_living(digest, now), *stages])


def _living(digest: str, now: datetime) -> Doc:
    either = [{"expires_at": None}, {"expires_at": {"$gt": now}}]
    return {"$match": {**_secret(digest), "$or": either}}


def by_id(credential_id: str) -> str:
    """A credential's id in the place of its secret's hash, which never looks like that."""
    return f"{_ID}{credential_id}"


_ID = "id:"


def _named(digest: str) -> Doc:
    return {"_id": digest.removeprefix(_ID)} if digest.startswith(_ID) else {}


def _secret(digest: str) -> Doc:
    return _named(digest) or {"token_hash": digest}


async def visit(database: Database, digest: str, now: datetime) -> Doc | None:
    """The living visit with its `link`, its `project` and `workspace`, as far as they are there."""
    pipeline: list[Doc] = [
        {"$match": {**_secret(digest), "expires_at": {"$gt": now}}},
        _by("link_id", Link, "_id", "link"),
        {"$set": {"of": {"$first": "$link"}}},
        _by("of.project_id", Project, "_id", "project"),
        _by("of.workspace_id", Workspace, "_id", "workspace"),
    ]
    return await _first_of(database, Visit, pipeline)


_CREDENTIALS: Mapping[PrincipalKind, type[Model]] = {
    PrincipalKind.LINK: Visit,
    PrincipalKind.SERVICE: ApiToken,
    PrincipalKind.TOKEN: ApiToken,
    PrincipalKind.USER: Session,
}


async def credentials(
    database: Database, kind: PrincipalKind, ids: Collection[str], now: datetime
) -> list[Doc]:
    """Those of these logins, tokens or visits that have not ended, with `methods` and `expires_at`."""
    either = [{"expires_at": None}, {"expires_at": {"$gt": now}}]
    query: Doc = {"_id": {"$in": list(ids)}, "$or": either}
    shown = {"user_id": 1, "methods": 1, "expires_at": 1}
    return await database.collection(_CREDENTIALS[kind]).find(query, shown).to_list()


async def active_users(database: Database, ids: Collection[str]) -> set[str]:
    """Those of these accounts that are not at rest."""
    query: Doc = {"_id": {"$in": list(ids)}, "active": True}
    return {doc["_id"] for doc in await database.collection(User).find(query, {"_id": 1}).to_list()}


async def _first_of(database: Database, model: Any, pipeline: list[Doc]) -> Doc | None:
    found = await (await database.collection(model).aggregate(pipeline)).to_list()
    return found[0] if found else None


async def member(database: Database, workspace_id: str, query: Doc) -> Doc | None:
    """What `principal` finds of a membership, without a login."""
    wanted: Doc = {"$match": {"workspace_id": workspace_id, **query}}
    pipeline = [wanted, {"$set": {"entered": "$workspace_id", "me": "$_id"}}, *_standing_stages()]
    found = await (await database.collection(Membership).aggregate(pipeline)).to_list()
    return {**found[0], "membership": found} if found else None


async def people_in(database: Database, workspace_id: str, project_ids: list[str]) -> set[str]:
    """Who has a grant in one of the projects, also by a team, its links' names, and the admins of all."""
    if not project_ids:
        return set()
    of_projects: Doc = {"workspace_id": workspace_id, "project_id": {"$in": project_ids}}
    grants = await database.collection(Grant).find(of_projects).to_list()
    team_ids = [one["team_id"] for one in grants if one["team_id"] is not None]
    teams = await database.collection(Team).find({"_id": {"$in": team_ids}}).to_list() if team_ids else []
    admins: Doc = {"workspace_id": workspace_id, "role": {"$in": [role.value for role in ADMINS]}}
    found = await database.collection(Membership).find(admins, {"_id": 1}).to_list()
    links = await database.collection(Link).find(of_projects, {"membership_id": 1}).to_list()
    return {
        *(one["membership_id"] for one in links),
        *(one["membership_id"] for one in grants if one["membership_id"] is not None),
        *(member_id for team in teams for member_id in team["member_ids"]),
        *(one["_id"] for one in found),
    }


async def workspaces_called(database: Database, query: Doc) -> list[Doc]:
    """The workspaces of this slug or name, at most two, each with its accounts' `memberships`."""
    members = {
        "from": Membership.__collection__,
        "localField": "_id",
        "foreignField": "workspace_id",
        "pipeline": [{"$match": {"user_id": {"$type": "string"}, "removed_at": None}}, {"$sort": {"_id": 1}}],
        "as": "memberships",
    }
    pipeline: list[Doc] = [
        {"$match": query},
        {"$sort": {"_id": 1}},
        {"$limit": 2},
        {"$lookup": members},
    ]
    return await (await database.collection(Workspace).aggregate(pipeline)).to_list()


def _account_stages(ref: str | None) -> list[Doc]:
    """The account of a login or token, `user_id`, and what it has in a workspace if one is named."""
    user = _lookup(User, "user", {"user_id": "$user_id"}, "_id", "user_id")
    return [user] if ref is None else [user, *_workspace_stages(ref)]


def _entered(ref: str) -> list[Doc]:
    by_ref: Doc = {"$match": {"$or": [{"_id": ref}, {"slug": ref}]}}
    workspace = {
        "$lookup": {"from": Workspace.__collection__, "pipeline": [by_ref, {"$limit": 1}], "as": "workspace"}
    }
    return [workspace, {"$set": {"entered": _first("workspace")}}]


def _service_stages(ref: str) -> list[Doc]:
    return [
        *_entered(ref),
        _lookup(
            Membership,
            "membership",
            {"membership_id": "$membership_id", "entered": "$entered"},
            "_id",
            "membership_id",
            {"workspace_id": "entered"},
        ),
        {"$set": {"me": _first("membership")}},
        *_standing_stages(),
    ]


def _workspace_stages(ref: str) -> list[Doc]:
    return [
        *_entered(ref),
        _lookup(
            Membership,
            "membership",
            {"user_id": "$user_id", "entered": "$entered"},
            "user_id",
            "user_id",
            {"workspace_id": "entered"},
        ),
        {"$set": {"me": _first("membership")}},
        *_standing_stages(),
    ]


def _standing_stages() -> list[Doc]:
    """What a membership, `me`, has in its workspace, `entered`."""
    return [
        _lookup(Project, "projects", {"entered": "$entered"}, "workspace_id", "entered", keep=_PROJECT),
        _lookup(CustomRole, "roles", {"entered": "$entered"}, "workspace_id", "entered", keep=_ROLE),
        _by("me", Team, "member_ids", "teams"),
        {"$set": {"holders": {"$concatArrays": [["$me"], _ids("teams")]}}},
        _by("holders", Grant, "holder_id", "grants"),
    ]


def _first(name: str) -> Doc:
    # SecantusDB does not take `$name._id` for the ids of all elements.
    return {"$let": {"vars": {"found": {"$first": f"${name}"}}, "in": "$$found._id"}}


def _ids(name: str) -> Doc:
    return {"$map": {"input": f"${name}", "as": "one", "in": "$$one._id"}}


def _by(local: str, model: Any, foreign: str, name: str) -> Doc:
    """The documents that have a value, or one of the values, of a field."""
    return {
        "$lookup": {"from": model.__collection__, "localField": local, "foreignField": foreign, "as": name}
    }


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
