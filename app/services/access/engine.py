"""Turns a token into a principal, and a principal into a scope of one workspace."""

import asyncio
import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic

from app.core.clock import Clock
from app.core.database.doorbell import Ring
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.log import Event
from app.core.rounds import Together
from app.core.security import token_hash
from app.core.unit_of_work import Context, Writers
from app.models.links import Visit
from app.models.memberships import Membership, Role
from app.models.permissions import Permission
from app.models.sessions import Session
from app.models.tokens import ApiToken
from app.models.users import User
from app.services.access import queries
from app.services.access.rules import (
    WATCHED,
    Holder,
    Roles,
    Source,
    closed,
    explained,
    is_shared,
    project_sources,
    scoped,
    workspace_source,
)
from app.services.access.scope import AccountScope, Scope
from app.services.access.standing import (
    AccountPrincipal,
    Credential,
    Life,
    People,
    Principal,
    PrincipalKind,
    Standing,
    check_factors,
    is_open,
    kind_of,
    standing_of,
    visitor_standing,
)

# A revocation in another process counts as soon as the doorbell rings, and within a second where it does not;
# in this one, at once.
CACHE_SECONDS = 1.0
CACHE_SIZE = 10_000

_Key = tuple[PrincipalKind, str, str | None]
"""Whose token it is, the token's hash or its credential's id, the workspace as the request names it."""


class Access:
    """The gate that every request passes. One a process."""

    def __init__(self, database: Database, writers: Writers, clock: Clock, secret: bytes) -> None:
        self._database = database
        self._writers = writers
        self._clock = clock
        self._secret = secret
        self._known: dict[_Key, tuple[float, Principal | Standing]] = {}
        self._asking: dict[_Key, asyncio.Task[Principal | Standing]] = {}
        self._logins = Together(self._find_logins, at_once=1)
        """Of those who ask for no workspace: each costs the database a query less when many come at once."""
        self._drops = 0
        self.leavers: list[Callable[[str], None]] = []
        """Told the id of each login, token, visit or account that may have ended, or changed."""
        writers.listeners.append(self._on_commit)

    async def identify(self, token: str) -> AccountPrincipal:
        """The account behind a login's or its own token; raises `invalid_token`.

        Raises `login_required` for who is no account.
        """
        key = _key(token, None)
        found = await self._look_up(key)
        if not isinstance(found, AccountPrincipal):
            kind = "link" if key[0] is PrincipalKind.LINK else "service_account"
            raise PastisError(ErrorCode.LOGIN_REQUIRED, kind=kind)
        return found

    async def account(self, token: str, source: Doc) -> AccountScope:
        """The scope of an account outside of any workspace; raises what `identify` does."""
        principal = await self.identify(token)
        return self._account(principal, source)

    async def enter(self, token: str | Credential, workspace_ref: str, source: Doc) -> Scope:
        """The scope of a member in a workspace, named by id or slug.

        Raises `invalid_token`, `not_found` alike for a workspace that is not there and one that the principal
        does not belong to, and `second_factor_required` where the login was made without one that the
        workspace asks for.
        """
        key = _key(token, workspace_ref)
        standing = await self._standing(key)
        context = Context(standing.actor, _source_of(standing.principal, source))
        renew = partial(self._renewed, key)
        return Scope(self._database, self._writers, standing, context, self._secret, renew=renew)

    async def _standing(self, key: _Key) -> Standing:
        found = await self._look_up(key)
        assert isinstance(found, Standing)  # noqa: S101 - a workspace was named
        return found

    async def _renewed(self, key: _Key) -> Standing:
        self._known.pop(key, None)
        return await self._standing(key)

    def account_of(self, user: User, source: Doc) -> AccountScope:
        """The scope of an account without a login: for commands, whose user has the machine itself."""
        principal = AccountPrincipal(
            PrincipalKind.USER, "", user.id, email=user.email, display_name=user.display_name
        )
        return self._account(principal, source)

    def _account(self, principal: AccountPrincipal, source: Doc) -> AccountScope:
        actor = {"kind": "user", "user_id": principal.user_id, "membership_id": None}
        return AccountScope(self._database, self._writers, principal, Context(actor, source), self._secret)

    async def act_for(self, user: User, workspace_id: str, source: Doc) -> Scope:
        """The scope of an account's membership without a login.

        Raises `not_found` where it has none, or cannot log in any more.
        """
        principal = self.account_of(user, source).principal
        found = await queries.member(self._database, workspace_id, {"user_id": user.id})
        if found is None or not user.active:
            raise not_found("workspace")
        standing = await self._stand(principal, found)
        context = Context(standing.actor, source)
        return Scope(self._database, self._writers, standing, context, self._secret)

    async def explain(self, scope: Scope, project_id: str | None, membership_id: str | None) -> Doc:
        """What a member may do in a project, or in the workspace as a whole, and everything that gives it.

        Raises `not_found`, and `permission_denied` for somebody else unless one may change what they have.
        """
        membership_id = membership_id or scope.standing.membership_id
        if membership_id != scope.standing.membership_id:
            self._check_curious(scope, project_id)
        elif scope.standing.principal.kind is PrincipalKind.LINK:
            sources = [Source("link", scope.standing.held(project_id), "link")]
            return _explained(scope.standing, project_id, membership_id, sources)
        found = await queries.member(self._database, scope.workspace_id, {"_id": membership_id})
        seen = found is not None and scope.standing.sees(Membership, found, None)
        if found is None or not seen or found["removed_at"] is not None:
            raise not_found("membership")
        holder, roles = _read_holder(found)
        if project_id is None:
            sources = [workspace_source(holder, roles)]
        else:
            project = next(one for one in found["projects"] if one["_id"] == project_id)
            sources = list(project_sources(holder, roles, project, found["grants"]))
        return _explained(scope.standing, project_id, membership_id, sources)

    @staticmethod
    def _check_curious(scope: Scope, project_id: str | None) -> None:
        if project_id is None:
            scope.demand(Permission.MEMBERSHIP_UPDATE)
        else:
            scope.demand_in(project_id, Permission.GRANT_UPDATE)

    async def called(self, name: str) -> list[Doc]:
        """The workspaces of this slug, else of this name, with the memberships of their accounts."""
        found = await queries.workspaces_called(self._database, {"slug": name})
        return found or await queries.workspaces_called(self._database, {"name": name})

    def rings(self) -> list[Ring]:
        """What other processes may change that this one must not go on believing."""
        inserted = {"operationType": "insert"}
        ended = {"operationType": "delete"}
        proven = {"updateDescription.updatedFields.authenticated_at": {"$exists": True}}
        stopped = {"updateDescription.updatedFields.active": {"$exists": True}}
        return [
            Ring(Event, inserted, lambda id_: self._forget_workspace(id_.rpartition(":")[0]), WATCHED),
            Ring(Session, {"$or": [ended, proven]}, self.forget_credential),
            Ring(ApiToken, ended, self.forget_credential),
            Ring(Visit, ended, self.forget_credential),
            Ring(User, {"$or": [ended, stopped]}, self.forget_user),
        ]

    def forget_credential(self, credential_id: str) -> None:
        """Let a login or token that has ended be noticed by the next request, and by streams."""
        self._drop(lambda found: _principal(found).credential_id == credential_id)
        self._tell(credential_id)

    def forget_user(self, user_id: str) -> None:
        self._drop(lambda found: _principal(found).user_id == user_id)
        self._tell(user_id)

    def _tell(self, id_: str) -> None:
        for listener in self.leavers:
            listener(id_)

    async def living(self, principals: Collection[Principal]) -> dict[str, Life]:
        """How it stands with credentials, by their ids; those that have ended are left out."""
        now = self._clock.now()
        found: dict[str, Life] = {}
        for kind in {one.kind for one in principals}:
            ids = {one.credential_id for one in principals if one.kind is kind}
            docs = await queries.credentials(self._database, kind, ids, now)
            users = {doc["user_id"] for doc in docs if doc.get("user_id")}
            active = await queries.active_users(self._database, users) if users else set()
            for doc in docs:
                if doc.get("user_id") is None or doc["user_id"] in active:
                    found[doc["_id"]] = Life(tuple(doc.get("methods", ())), doc["expires_at"])
        return found

    async def _look_up(self, key: _Key) -> Principal | Standing:
        known = self._known.get(key)
        if known is not None and known[0] > monotonic():
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key))
            asking.add_done_callback(lambda done: self._answered(key, done))
        # Requests that come together share the answer; one whose client leaves must not take it along.
        return await asyncio.shield(asking)

    async def _ask(self, key: _Key) -> Principal | Standing:
        drops = self._drops
        result = await (self._visit(key) if key[0] is PrincipalKind.LINK else self._member(key))
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        if drops == self._drops:  # else it may be of before what was dropped
            self._forget_old()
            self._known[key] = (monotonic() + CACHE_SECONDS, result)
        return result

    def _forget_old(self) -> None:
        """Two for each that comes: else all who came once would be remembered, with what they reach."""
        now = monotonic()
        for key in list(itertools.islice(self._known, 2)):
            if self._known[key][0] <= now:
                del self._known[key]

    async def _member(self, key: _Key) -> Principal | Standing:
        """Raises `invalid_token` for a credential that is dead, and what `_stand` does."""
        kind, digest, ref = key
        find = {
            PrincipalKind.USER: queries.login,
            PrincipalKind.TOKEN: queries.token,
            PrincipalKind.SERVICE: queries.service_token,
        }
        if kind is PrincipalKind.USER and ref is None:
            found = await self._logins(digest)
        else:
            found = await find[kind](self._database, digest, self._clock.now(), ref)
        if found is None:
            raise PastisError(ErrorCode.INVALID_TOKEN)
        principal = _read_principal(kind, found)
        if ref is None:
            return principal
        standing = await self._stand(principal, found)
        check_factors(principal, found["workspace"][0])
        return standing

    async def _find_logins(self, digests: Collection[str]) -> dict[str, Doc]:
        return await queries.logins(self._database, digests, self._clock.now())

    async def _visit(self, key: _Key) -> Principal | Standing:
        """What a visitor has; raises `invalid_token` where the visit or its link is over."""
        _, digest, ref = key
        now = self._clock.now()
        found = await queries.visit(self._database, digest, now)
        if found is None or not is_shared(found["link"], found["project"], now):
            raise PastisError(ErrorCode.INVALID_TOKEN)
        principal = Principal(PrincipalKind.LINK, found["_id"], None)
        if ref is None:
            return principal
        workspace, project = found["workspace"][0], found["project"][0]
        if ref not in (workspace["_id"], workspace["slug"]):
            raise not_found("workspace")
        ids = await queries.people_in(self._database, workspace["_id"], [project["_id"]])
        leads = {project["lead_id"]} - {None}
        return visitor_standing(principal, found["link"][0], project, ids | leads)

    async def _stand(self, principal: Principal, found: Doc) -> Standing:
        """What a member has, by all that was found; raises `not_found` for who is none, or no longer."""
        memberships = [one for one in found.get("membership", ()) if one["removed_at"] is None]
        if not memberships:
            raise not_found("workspace")
        holder, roles = _read_holder(found)
        standing = standing_of(
            principal, memberships[0]["workspace_id"], holder, roles, found["projects"], found["grants"]
        )
        if not standing.is_guest:
            return standing
        return replace(standing, people=await self._people(standing, found["projects"]))

    async def _people(self, standing: Standing, projects: list[Doc]) -> People:
        """Whom a guest sees: everybody who is in one of the guest's projects."""
        mine = [one for one in projects if one["_id"] in standing.keys.values()]
        ids = await queries.people_in(self._database, standing.workspace_id, [one["_id"] for one in mine])
        leads = {one["lead_id"] for one in mine} - {None}
        opened = any(is_open(one) for one in mine)
        return People(frozenset({standing.membership_id, *ids, *leads}), opened)

    def _answered(self, key: _Key, asking: "asyncio.Task[Principal | Standing]") -> None:
        if self._asking.get(key) is asking:
            del self._asking[key]
        if not asking.cancelled():
            asking.exception()  # seen, even where all who asked have left

    def _on_commit(self, workspace_id: str, events: list[Doc]) -> None:
        if any(op["kind"] in WATCHED for event in events for op in event["ops"]):
            self._forget_workspace(workspace_id)

    def _forget_workspace(self, workspace_id: str) -> None:
        self._drop(lambda found: isinstance(found, Standing) and found.workspace_id == workspace_id)

    def _drop(self, condition: Callable[[Principal | Standing], bool]) -> None:
        self._drops += 1
        self._asking.clear()  # whoever comes now asks again
        self._known = {key: entry for key, entry in self._known.items() if not condition(entry[1])}


def _explained(
    standing: Standing, project_id: str | None, membership_id: str, sources: Sequence[Source]
) -> Doc:
    """What sources give; of oneself, no more than one's token lets it be used for."""
    own = standing.principal.scopes if membership_id == standing.membership_id else None
    permissions = explained(sources, own, of_project=project_id is not None)
    return {"membership_id": membership_id, "project_id": project_id, "permissions": permissions}


def _read_holder(found: Doc) -> tuple[Holder, Roles]:
    mine = found["membership"][0]
    holder = Holder(mine["_id"], Role(mine["role"]), mine.get("custom_role_id"))
    return holder, {role["_id"]: closed(role["permissions"]) for role in found["roles"]}


def _source_of(principal: Principal, source: Doc) -> Doc:
    """How the log names what a change came through, down to the API token."""
    return source if principal.kind is PrincipalKind.USER else {**source, "token_id": principal.credential_id}


def _key(token: str | Credential, ref: str | None) -> _Key:
    if isinstance(token, Credential):
        return token.kind, queries.by_id(token.id), ref
    return kind_of(token), token_hash(token), ref


def _principal(found: Principal | Standing) -> Principal:
    return found if isinstance(found, Principal) else found.principal


def _read_principal(kind: PrincipalKind, found: Doc) -> Principal:
    """Raises `invalid_token` where the account is gone or at rest."""
    methods = tuple(found.get("methods", ()))
    scopes = None if kind is PrincipalKind.USER else scoped(found["scopes"])
    if kind is PrincipalKind.SERVICE:
        return Principal(kind, found["_id"], None, methods, scopes)
    if not found["user"] or not found["user"][0]["active"]:
        raise PastisError(ErrorCode.INVALID_TOKEN)
    user = found["user"][0]
    return AccountPrincipal(
        kind,
        found["_id"],
        user["_id"],
        methods,
        scopes,
        user["email"],
        user["display_name"],
        found.get("authenticated_at"),
    )
