"""Turns a token into a principal, and a principal into a scope of one workspace."""

import asyncio
from collections.abc import Callable
from time import monotonic

from app.core.clock import Clock
from app.core.database.doorbell import Ring
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.log import Event
from app.core.security import token_hash
from app.core.unit_of_work import Context, Writers
from app.models.memberships import Role
from app.models.sessions import Session
from app.models.users import User
from app.services.access import queries
from app.services.access.scope import AccountScope, Grant, Principal, Scope

# A revocation in another process counts as soon as the doorbell rings, and within a second where it does not;
# in this one, at once.
CACHE_SECONDS = 1.0
CACHE_SIZE = 10_000
WATCHED = frozenset({"membership", "project", "workspace"})


class Access:
    """The gate that every request passes. One a process."""

    def __init__(self, database: Database, writers: Writers, clock: Clock, secret: bytes) -> None:
        self._database = database
        self._writers = writers
        self._clock = clock
        self._secret = secret
        self._known: dict[tuple[str, str | None], tuple[float, Principal | Grant]] = {}
        self._asking: dict[tuple[str, str | None], asyncio.Task[Principal | Grant]] = {}
        self._drops = 0
        writers.listeners.append(self._on_commit)

    async def identify(self, token: str) -> Principal:
        """The living login behind an access token; raises `invalid_token`."""
        found = await self._look_up(token_hash(token), None)
        assert isinstance(found, Principal)  # noqa: S101 - no workspace was named
        return found

    async def account(self, token: str, source: Doc) -> AccountScope:
        """The scope of a principal outside of any workspace; raises `invalid_token`."""
        principal = await self.identify(token)
        return self._account(principal, source)

    async def enter(self, token: str, workspace_ref: str, source: Doc) -> Scope:
        """The scope of a member in a workspace, named by id or slug.

        Raises `invalid_token`, and `not_found` alike for a workspace that is not there and one that the
        principal does not belong to.
        """
        grant = await self._look_up(token_hash(token), workspace_ref)
        assert isinstance(grant, Grant)  # noqa: S101 - a workspace was named
        return Scope(self._database, self._writers, grant, Context(actor_of(grant), source), self._secret)

    def account_of(self, user: User, source: Doc) -> AccountScope:
        """The scope of an account without a login: for commands, whose user has the machine itself."""
        return self._account(Principal(user.id, "", user.email, user.display_name), source)

    def _account(self, principal: Principal, source: Doc) -> AccountScope:
        actor = {"kind": "user", "user_id": principal.user_id, "membership_id": None}
        return AccountScope(self._database, self._writers, principal, Context(actor, source), self._secret)

    async def act_for(self, user: User, workspace_id: str, source: Doc) -> Scope:
        """The scope of an account's membership without a login.

        Raises `not_found` where it has none, or cannot log in any more.
        """
        mine = await queries.membership(self._database, user.id, workspace_id)
        if mine is None or not user.active:
            raise not_found("workspace")
        principal = self.account_of(user, source).principal
        grant = Grant(principal, workspace_id, mine["_id"], Role(mine["role"]), {})
        return Scope(self._database, self._writers, grant, Context(actor_of(grant), source), self._secret)

    async def called(self, name: str) -> list[Doc]:
        """The workspaces of this slug, else of this name, with the memberships of their accounts."""
        found = await queries.workspaces_called(self._database, name)
        return [one for one in found if one["slug"] == name] or found

    def rings(self) -> list[Ring]:
        """What other processes may change that this one must not go on believing."""
        watched = {"operationType": "insert", "fullDocument.ops.kind": {"$in": sorted(WATCHED)}}
        ended = {"operationType": "delete"}
        proven = {"updateDescription.updatedFields.authenticated_at": {"$exists": True}}
        stopped = {"updateDescription.updatedFields.active": {"$exists": True}}
        return [
            Ring(Event, watched, lambda id_: self._forget_workspace(id_.rpartition(":")[0])),
            Ring(Session, {"$or": [ended, proven]}, self.forget_session),
            Ring(User, {"$or": [ended, stopped]}, self.forget_user),
        ]

    def forget_session(self, session_id: str) -> None:
        """Let a login that has ended be noticed by the next request."""
        self._drop(lambda found: _principal(found).session_id == session_id)

    def forget_user(self, user_id: str) -> None:
        self._drop(lambda found: _principal(found).user_id == user_id)

    async def _look_up(self, access_hash: str, ref: str | None) -> Principal | Grant:
        key = (access_hash, ref)
        known = self._known.get(key)
        if known is not None and known[0] > monotonic():
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(*key))
            asking.add_done_callback(lambda done: self._answered(key, done))
        # Requests that come together share the answer; one whose client leaves must not take it along.
        return await asyncio.shield(asking)

    async def _ask(self, access_hash: str, ref: str | None) -> Principal | Grant:
        drops = self._drops
        found = await queries.principal(self._database, access_hash, self._clock.now(), ref)
        if found is None or not found["user"] or not found["user"][0]["active"]:
            raise PastisError(ErrorCode.INVALID_TOKEN)
        result = _read_principal(found) if ref is None else _read_grant(found)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        if drops == self._drops:  # else it may be of before what was dropped
            self._known[access_hash, ref] = (monotonic() + CACHE_SECONDS, result)
        return result

    def _answered(self, key: tuple[str, str | None], asking: "asyncio.Task[Principal | Grant]") -> None:
        if self._asking.get(key) is asking:
            del self._asking[key]
        if not asking.cancelled():
            asking.exception()  # seen, even where all who asked have left

    def _on_commit(self, workspace_id: str, events: list[Doc]) -> None:
        if any(op["kind"] in WATCHED for event in events for op in event["ops"]):
            self._forget_workspace(workspace_id)

    def _forget_workspace(self, workspace_id: str) -> None:
        self._drop(lambda found: isinstance(found, Grant) and found.workspace_id == workspace_id)

    def _drop(self, condition: Callable[[Principal | Grant], bool]) -> None:
        self._drops += 1
        self._asking.clear()  # whoever comes now asks again
        self._known = {key: entry for key, entry in self._known.items() if not condition(entry[1])}


def actor_of(grant: Grant) -> Doc:
    """How the log names who did it."""
    return {"kind": "user", "user_id": grant.principal.user_id, "membership_id": grant.membership_id}


def _principal(found: Principal | Grant) -> Principal:
    return found if isinstance(found, Principal) else found.principal


def _read_principal(found: Doc) -> Principal:
    user = found["user"][0]
    return Principal(
        user["_id"], found["_id"], user["email"], user["display_name"], found.get("authenticated_at")
    )


def _read_grant(found: Doc) -> Grant:
    memberships = [one for one in found.get("membership", ()) if one["removed_at"] is None]
    if not memberships:
        raise not_found("workspace")
    mine = memberships[0]
    projects = {project["key"]: project["_id"] for project in found["projects"]}
    return Grant(_read_principal(found), mine["workspace_id"], mine["_id"], Role(mine["role"]), projects)
