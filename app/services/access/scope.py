"""What a request may reach: every read and write of a workspace goes through one of these."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from app.core.database.engine import Database
from app.core.documents import Doc, Entity, public, stored
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.unit_of_work import Command, Context, Outcome, Writers
from app.models.memberships import Role
from app.models.projects import Project
from app.services.access.paging import Order, Page, PageRequest, cut, fingerprint, read_cursor
from app.services.access.permissions import Permission
from app.services.access.rules import allows
from app.utils.text import upper_ascii

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Principal:
    """A living login, before any workspace is entered."""

    user_id: str
    session_id: str
    email: str
    display_name: str
    authenticated_at: datetime | None = None
    """When it was last proven who this is; None for those who need no login."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a principal has in a workspace. `projects` gives the id of each visible project by its key."""

    principal: Principal
    workspace_id: str
    membership_id: str
    role: Role
    projects: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """A grant at work: the only way from a request to a workspace's documents."""

    database: Database
    writers: Writers
    grant: Grant
    context: Context
    secret: bytes
    """Signs cursors."""
    if_match: Container[int] | None = None
    """The versions that a write may replace; None where the request named none."""

    @property
    def workspace_id(self) -> str:
        return self.grant.workspace_id

    def demand(self, permission: Permission) -> None:
        """Raises `permission_denied`, which names the missing permission."""
        if not allows(self.grant.role, permission):
            raise PastisError(ErrorCode.PERMISSION_DENIED, permission=permission)

    def collection(self, model: type[Entity]) -> "ScopedCollection":
        return ScopedCollection(self.database, model, self.workspace_id, self.secret)

    async def project_id(self, ref: str) -> str:
        """The id of a project named by id or key; raises `not_found`."""
        if ref in self.grant.projects.values():
            return ref
        known = self.grant.projects.get(upper_ascii(ref))
        if known is not None:
            return known
        # Made by another process within the last second, or not there.
        found = await self.collection(Project).find_one(
            {"$or": [{"_id": ref}, {"key": upper_ascii(ref)}]}, {"_id": 1}
        )
        if found is None:
            raise not_found("project")
        return str(found["_id"])

    async def run(self, command: Command[R]) -> Outcome[R]:
        """Commit a command of this workspace in the name of its actor."""
        return await self.writers.run(self.workspace_id, command, self.context)

    async def run_all(self, commands: Sequence[Command[Any]]) -> list[Outcome[Any]]:
        """Commit several commands, all or nothing."""
        return await self.writers.run_all(self.workspace_id, commands, self.context)

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

    database: Database
    model: type[Entity]
    workspace_id: str
    secret: bytes

    async def find_one(self, query: Doc, projection: Doc | None = None) -> Doc | None:
        return await self.database.collection(self.model).find_one(self._bound(query), projection)

    async def read(self, id_: str, projection: Doc) -> Doc | None:
        """A document of this workspace by its id, cheapest where many are read at once; never change it."""
        doc = await self.database.points(self.model, projection).get(id_)
        return doc if doc is not None and doc["workspace_id"] == self.workspace_id else None

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
        cursor = self.database.collection(self.model).find(
            self._bound(query), projection, limit=limit, batch_size=limit, hint=hint
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
        scope = fingerprint(self.model.KIND, self.workspace_id, query, order)
        total = await self.count(query, hint) if request.count else None
        bounded = query
        if request.cursor is not None:
            # Beside the filter, not in its place: both may bound the same field.
            bounded = {"$and": [query, order.behind(*read_cursor(request.cursor, self.secret, scope))]}
        limit = request.limit + 1
        found = self.database.in_naive_times(self.model).find(
            self._bound(bounded), projection, sort=order.sort, limit=limit, batch_size=limit, hint=hint
        )
        docs, cursor = cut(await found.to_list(), request.limit, order, self.secret, scope)
        return Page([_shown(self.model, doc) for doc in docs], cursor, total)

    async def count(self, query: Doc, hint: str | None = None) -> int:
        options: dict[str, Any] = {} if hint is None else {"hint": hint}
        return await self.database.collection(self.model).count_documents(self._bound(query), **options)

    def _bound(self, query: Doc) -> Doc:
        return {"workspace_id": self.workspace_id, **query}


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
    principal: Principal
    context: Context
    secret: bytes
