"""What a request may reach: every read and write of a workspace goes through one of these."""

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.core.database import sent_on
from app.core.database.engine import Database
from app.core.documents import Doc, Entity, SentOn, public, stored
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.unit_of_work import Command, Context, Outcome, Writers
from app.models.memberships import Membership
from app.models.permissions import OF_PROJECTS, Permission
from app.services.access.paging import Order, Page, PageRequest, cut, fingerprint, read_cursor, write_cursor
from app.services.access.rules import is_multi_factor
from app.services.access.standing import AccountPrincipal, Standing
from app.utils.text import upper_ascii

R = TypeVar("R")


class Sight:
    """What the unit of work asks before it shows a command a document, or writes one."""

    def __init__(self, standing: Standing, permission: Permission | None) -> None:
        self._standing = standing
        self._permission = permission
        self.missed = False
        """Whether a project was met that is newer than the standing."""

    def sees(self, model: type[Entity], doc: Doc, project_id: str | None) -> bool:
        if project_id is not None and not self._standing.knows(project_id):
            self.missed = True
        return self._standing.sees(model, doc, project_id)

    def check(self, permission: str | None, project_id: str) -> None:
        """Raises `permission_denied` where what the route, or the command, requires is not held there."""
        required = Permission(permission) if permission is not None else self._permission
        if required in OF_PROJECTS and required not in self._standing.in_project(project_id):
            raise PastisError(ErrorCode.PERMISSION_DENIED, permission=required)


@dataclass(slots=True)
class Scope:
    """A standing at work: the only way from a request to a workspace's documents."""

    database: Database
    writers: Writers
    standing: Standing
    context: Context
    secret: bytes
    """Signs cursors."""
    if_match: Container[int] | None = None
    """The versions that a write may replace; None where the request named none."""
    renew: Callable[[], Awaitable[Standing]] | None = None
    """Reads the standing anew; None where it cannot be out of date."""
    permission: Permission | None = None
    """What was demanded last, as the route does: a write needs it in every project that it touches."""

    @property
    def workspace_id(self) -> str:
        return self.standing.workspace_id

    def demand(self, permission: Permission) -> None:
        """Raises `permission_denied`, which names the missing permission.

        One that is held in some projects passes: whether it is in the one that matters shows there.
        """
        if not self.standing.allows(permission):
            raise PastisError(ErrorCode.PERMISSION_DENIED, permission=permission)
        self.permission = permission

    def demand_in(self, project_id: str, permission: Permission) -> None:
        """Raises `permission_denied` where a permission is not held in a project."""
        if permission not in self.standing.in_project(project_id):
            raise PastisError(ErrorCode.PERMISSION_DENIED, permission=permission)

    def demand_second_factor(self) -> None:
        """Raises `second_factor_required` where the login was made without one."""
        if not is_multi_factor(self.standing.principal.methods):
            raise PastisError(ErrorCode.SECOND_FACTOR_REQUIRED)

    def collection(self, model: type[Entity]) -> "ScopedCollection":
        return ScopedCollection(self, model)

    async def project_id(self, ref: str) -> str:
        """The id of a project named by id or key; raises `not_found` for one that is not seen, too."""
        found = self._visible(ref)
        if found is None and await self.renewed():
            found = self._visible(ref)  # made by another process within the last second
        if found is None:
            raise not_found("project")
        return found

    def _visible(self, ref: str) -> str | None:
        if Permission.PROJECT_READ in self.standing.projects.get(ref, ()):
            return ref
        return self.standing.keys.get(upper_ascii(ref))

    async def renewed(self) -> bool:
        """Read the standing anew; false where that would tell nothing new."""
        if self.renew is None:
            return False
        self.standing = await self.renew()
        return True

    async def run(self, command: Command[R]) -> Outcome[R]:
        """Commit a command of this workspace in the name of its actor."""

        async def commit(context: Context) -> list[Outcome[Any]]:
            return [await self.writers.run(self.workspace_id, command, context)]

        return (await self._run_in_sight(commit))[0]

    async def run_all(self, commands: Sequence[Command[Any]]) -> list[Outcome[Any]]:
        """Commit several commands, all or nothing."""

        async def commit(context: Context) -> list[Outcome[Any]]:
            return await self.writers.run_all(self.workspace_id, commands, context)

        return await self._run_in_sight(commit)

    async def _run_in_sight(
        self, commit: Callable[[Context], Awaitable[list[Outcome[Any]]]]
    ) -> list[Outcome[Any]]:
        sight = Sight(self.standing, self.permission)
        try:
            outcomes = await commit(replace(self.context, guard=sight))
        except PastisError:
            if not sight.missed or not await self.renewed():
                raise
            outcomes = await commit(replace(self.context, guard=Sight(self.standing, self.permission)))
        for outcome in outcomes:
            if outcome.replayed:
                await self._check_seen(outcome.value)
        return outcomes

    async def _check_seen(self, value: Any) -> None:
        """Raises `not_found` for a recorded answer that one may not see any more."""
        for entity in value if isinstance(value, list) else [value]:
            if entity is not None and not await self.sees(type(entity), stored(entity)):
                raise not_found(entity.KIND)

    async def sees(self, model: type[Entity], doc: Doc) -> bool:
        """Whether one may read a document of this workspace."""
        match model.PROJECT:
            case None:
                return self.standing.sees(model, doc, None)
            case str(name):
                if not self.standing.knows(doc[name]):
                    await self.renewed()
                return self.standing.sees(model, doc, doc[name])
            case owner, name:
                whole = await self.database.collection(owner).find_one(
                    {"_id": doc[name], "workspace_id": self.workspace_id}
                )
                return whole is not None and await self._sees_part(model, owner, whole)

    async def _sees_part(self, model: type[Entity], owner: type[Entity], whole: Doc) -> bool:
        project_id = whole[owner.PROJECT] if isinstance(owner.PROJECT, str) else None
        return await self.sees(owner, whole) and self.standing.sees(model, whole, project_id)

    def check_version(self, entity: Entity | None) -> None:
        """Raises `precondition_failed`, with the current state, where If-Match names other versions.

        What is not there has no version, so that nothing matches it.
        """
        if self.if_match is None:
            return
        if entity is None:
            raise PastisError(ErrorCode.PRECONDITION_FAILED, header="If-Match")
        if entity.version not in self.if_match:
            raise PastisError(ErrorCode.PRECONDITION_FAILED, current=public(type(entity), stored(entity)))

    def with_write(self, context: Context, if_match: Container[int] | None) -> "Scope":
        return replace(self, context=context, if_match=if_match)


@dataclass(frozen=True, slots=True)
class ScopedCollection:
    """Reads of one collection that cannot leave the workspace."""

    scope: Scope
    model: type[Entity]

    async def find_one(self, query: Doc, projection: Doc | None = None) -> Doc | None:
        return await self._database.collection(self.model).find_one(await self._bound(query), projection)

    async def read_sent_on(self, id_: str, projection: Doc) -> SentOn | None:
        """A document by its id, of a model whose `PROJECT` is a field: cheapest where many are read."""
        found = await self._database.points(self.model, projection).get(id_)
        if found is None or found.place["workspace_id"] != self.scope.workspace_id:
            return None
        return found if await self.scope.sees(self.model, found.place) else None

    async def find_one_sent_on(self, query: Doc, projection: Doc) -> SentOn | None:
        found = await self._database.in_bytes(self.model).find_one(await self._bound(query), projection)
        return None if found is None else sent_on.whole(self.model, sent_on.bytes_of(found))

    async def find(
        self,
        query: Doc,
        *,
        projection: Doc | None = None,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        hint: str | None = None,
    ) -> list[Doc]:
        """Matching documents in one round trip where `limit` is given."""
        cursor = self._database.collection(self.model).find(
            await self._bound(query), projection, limit=limit, batch_size=limit, hint=hint
        )
        return await (cursor.sort(list(sort)) if sort else cursor).to_list()

    async def page(
        self,
        query: Doc,
        order: Order,
        request: PageRequest,
        *,
        projection: Doc | None = None,
        hint: str | None = None,
    ) -> Page:
        """One page of a list, in one round trip (two where the total is asked for), its times in naive UTC.

        The projection must leave the order's field in.
        """
        total = await self.count(query, hint) if request.count else None
        scope = self._fingerprint(query, order)
        bounded, limit = await self._behind(query, order, request, scope), request.limit + 1
        found = self._database.in_naive_times(self.model).find(
            bounded, projection, sort=order.sort, limit=limit, batch_size=limit, hint=hint
        )
        docs, cursor = cut(await found.to_list(), request.limit, order, self.scope.secret, scope)
        return Page([_shown(self.model, doc) for doc in docs], cursor, total)

    async def page_sent_on(
        self, query: Doc, order: Order, request: PageRequest, *, projection: Doc, hint: str
    ) -> Page:
        """The same, its items in JSON that is kept: for small documents which are read again and again."""
        total = await self.count(query, hint) if request.count else None
        scope = self._fingerprint(query, order)
        bounded, limit = await self._behind(query, order, request, scope), request.limit + 1
        found = self._database.in_bytes(self.model).find(
            bounded, projection, sort=order.sort, limit=limit, batch_size=limit, hint=hint
        )
        docs = [sent_on.bytes_of(doc) for doc in await found.to_list()]
        items = [sent_on.shown(self.model, doc) for doc in docs[: request.limit]]
        if len(docs) < limit:
            return Page(items, None, total)
        last = sent_on.read(docs[request.limit - 1])
        return Page(items, write_cursor(order, last, self.scope.secret, scope), total)

    def _fingerprint(self, query: Doc, order: Order) -> str:
        return fingerprint(self.model.KIND, self.scope.workspace_id, query, order)

    async def _behind(self, query: Doc, order: Order, request: PageRequest, scope: str) -> Doc:
        """What the query finds behind the request's cursor."""
        if request.cursor is None:
            return await self._bound(query)
        behind = order.behind(*read_cursor(request.cursor, self.scope.secret, scope))
        # Beside the filter, not in its place: both may bound the same field.
        return await self._bound({"$and": [query, behind]})

    async def count(self, query: Doc, hint: str | None = None) -> int:
        options: dict[str, Any] = {} if hint is None else {"hint": hint}
        bounded = await self._bound(query)
        return await self._database.collection(self.model).count_documents(bounded, **options)

    @property
    def _database(self) -> Database:
        return self.scope.database

    async def _bound(self, query: Doc) -> Doc:
        """The query, within the workspace and what one may see of it."""
        visible = await self._visible(query)
        workspace: Doc = {"workspace_id": self.scope.workspace_id}
        return workspace | query if visible is None else workspace | {"$and": [query, visible]}

    async def _visible(self, query: Doc) -> Doc | None:
        """What narrows a query to what one may see; None where that is everything."""
        standing, model = self.scope.standing, self.model
        if model is Membership:
            return None if standing.people is None else standing.people.bound()
        if model.PROJECT is None:
            return None
        readable = standing.readable(model.KIND)
        if readable is None:
            return None
        if isinstance(model.PROJECT, str):
            return {model.PROJECT: {"$in": list(readable)}}
        part = model.PROJECT[1]
        return None if await self.scope.sees(model, {part: query[part]}) else {"_id": {"$in": []}}


def _shown(model: type[Entity], doc: Doc) -> Doc:
    """What `public` gives, at less cost: these documents were read for nobody else."""
    shown = {"id": doc.pop("_id"), **doc}
    for name in model.INTERNAL:
        shown.pop(name, None)
    return shown


@dataclass(frozen=True, slots=True)
class AccountScope:
    """A principal outside of any workspace: its own account, and the workspaces that it is in."""

    database: Database
    writers: Writers
    principal: AccountPrincipal
    context: Context
    secret: bytes
