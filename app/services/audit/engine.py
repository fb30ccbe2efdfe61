"""The audit log: recorded, read, held against its hashes, shortened."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.origin import current_origin
from app.models.audit import AuditKind
from app.schemas.audit import (
    AuditExportQuery,
    AuditFormat,
    AuditListQuery,
    AuditQuery,
    WorkspaceAuditListQuery,
)
from app.services.access import Order, Page, Scope
from app.services.access.paging import cut, fingerprint, read_cursor
from app.services.audit import queries, rules
from app.services.audit.queries import Appended
from app.services.audit.rules import Finding, Verifier

ATTEMPTS = 50
LOCKS = 64
OPERATOR = {"kind": "system", "user_id": None, "membership_id": None}
"""Whoever has the machine itself, and uses its commands."""
_ORDER = Order("at", descending=True)


class AuditEngine:
    """One a process."""

    def __init__(self, database: Database, settings: Settings, clock: Clock, secret: bytes) -> None:
        self._database = database
        self._days = settings.audit_days
        self._erased_days = settings.erased_audit_days
        self._clock = clock
        self._secret = secret
        self._locks = [asyncio.Lock() for _ in range(LOCKS)]

    async def record(
        self,
        kind: AuditKind,
        user_id: str | None = None,
        *,
        workspace_id: str | None = None,
        actor: Mapping[str, Any] | None = None,
        **detail: Any,
    ) -> None:
        """Append what happened to an account, to a workspace, or else to the server.

        Where it came from is taken from the request under way. `detail` is plain JSON and never a secret,
        nor what somebody typed in the wrong place.
        """
        if workspace_id is not None:
            seen_by = [workspace_id]
        else:
            # Asked for nobody too: how long an answer takes must not tell whether there is an account.
            seen_by = await queries.workspaces_of(self._database, user_id or "")
        origin = current_origin()
        await self._append(
            workspace_id or user_id or rules.SERVER,
            {
                "at": self._clock.now(),
                "kind": kind.value,
                "actor": dict(actor or {"kind": "user", "user_id": user_id, "membership_id": None}),
                "user_id": user_id,
                "workspace_ids": seen_by,
                "address": origin.address,
                "client": origin.client,
                "detail": detail,
                "seq": None,
            },
        )

    async def copy(self, workspace_id: str, event: Doc) -> None:
        """Append what an event of a workspace's log did; an event that is there already changes nothing."""
        told = rules.from_event(event)
        change = told["detail"]["changes"][0]
        user_id = event["actor"].get("user_id")
        member = rules.member_of(change)
        if member is not None:
            user_id = await queries.account_of(self._database, workspace_id, member)
        about = {"user_id": user_id, "workspace_ids": [workspace_id], "address": None}
        await self._append(workspace_id, {**told, "kind": told["kind"].value, **about})

    async def _append(self, chain: str, entry: Doc) -> None:
        # In this process one after the other; other processes are met by the number that is taken.
        async with self._locks[hash(chain) % len(self._locks)]:
            for attempt in range(ATTEMPTS):
                n, previous_hash = await queries.tail(self._database, chain)
                doc = {"chain": chain, "n": n + 1, **entry, "previous_hash": previous_hash}
                doc["hash"] = rules.entry_hash(doc)
                appended = await queries.append(self._database, {"_id": f"{chain}:{n + 1}", **doc})
                if appended is not Appended.RACED:
                    return
                await asyncio.sleep(random.uniform(0, 0.002 * (attempt + 1)))  # noqa: S311 - no secret
        raise PastisError(ErrorCode.OVERLOADED)

    async def of_workspace(self, scope: Scope, wanted: WorkspaceAuditListQuery) -> Page:
        """What happened in a workspace, and to its members' accounts while they were in it."""
        query = await self._query(scope, wanted)
        return await self._page(query, wanted, rules.for_admins)

    async def of_account(self, user_id: str, wanted: AuditListQuery) -> Page:
        """What happened to one's own account, and to oneself in workspaces."""
        query = {"user_id": user_id, **rules.matching(wanted)}
        return await self._page(query, wanted, lambda entry: rules.for_owner(entry, user_id))

    async def export(self, scope: Scope, wanted: AuditExportQuery) -> AsyncIterator[bytes]:
        """The entries of `of_workspace`, the oldest first, as lines of a file. It is recorded itself."""
        query = await self._query(scope, wanted)
        await self.record(
            AuditKind.AUDIT_EXPORT,
            scope.standing.principal.user_id,
            workspace_id=scope.workspace_id,
            actor=scope.context.actor,
            format=wanted.format.value,
        )
        return self._lines(query, wanted.format)

    async def _lines(self, query: Doc, form: AuditFormat) -> AsyncIterator[bytes]:
        if form is AuditFormat.CSV:
            yield rules.csv_line(rules.COLUMNS)
        async for entry in queries.stream(self._database, query):
            shown = rules.for_admins(entry)
            yield rules.csv_line(rules.cells(shown)) if form is AuditFormat.CSV else rules.json_line(shown)

    async def _query(self, scope: Scope, wanted: WorkspaceAuditListQuery | AuditExportQuery) -> Doc:
        query = {"workspace_ids": scope.workspace_id, **rules.matching(wanted)}
        if wanted.membership is None:
            return query
        who: list[Doc] = [
            {"actor.membership_id": wanted.membership},
            {"detail.changes.id": wanted.membership},
        ]
        user_id = await queries.account_of(self._database, scope.workspace_id, wanted.membership)
        return query | {"$or": [*who, *([] if user_id is None else [{"user_id": user_id}])]}

    async def _page(self, query: Doc, wanted: AuditListQuery, show: Callable[[Doc], Doc]) -> Page:
        bound = fingerprint("audit", "", query, _ORDER)
        bounded = query
        if wanted.cursor is not None:
            bounded = {"$and": [query, _ORDER.behind(*read_cursor(wanted.cursor, self._secret, bound))]}
        total = await queries.count(self._database, query) if wanted.count else None
        found = await queries.find(self._database, bounded, wanted.limit + 1)
        items, cursor = cut(found, wanted.limit, _ORDER, self._secret, bound)
        return Page([show(entry) for entry in items], cursor, total)

    async def every(self, wanted: AuditQuery, user_id: str | None) -> AsyncIterator[Doc]:
        """All entries of this server, the oldest first, as they are kept: for its operators."""
        about = {} if user_id is None else {"user_id": user_id}
        async for entry in queries.stream(self._database, {**about, **rules.matching(wanted)}):
            yield entry

    async def verify(self) -> AsyncIterator[tuple[str, int, str, list[Finding]]]:
        """Each chain, how many entries it has, the hash of the last one, and what is wrong with it."""
        for chain, head in sorted((await queries.chains(self._database)).items()):
            verifier, count = Verifier(chain, head), 0
            findings: list[Finding] = []
            async for entry in queries.entries(self._database, chain):
                count += 1
                findings += verifier.see(entry)
            yield chain, count, verifier.hash, [*findings, *verifier.end()]

    async def shorten(self) -> None:
        """Remove what is older than it has to be kept; what stays can still be verified."""
        now = self._clock.now()
        cutoff = now - timedelta(days=self._days)
        for chain in await queries.chains_older(self._database, cutoff):
            last = await queries.last_before(self._database, chain, cutoff)
            if last is not None:
                await queries.raise_floor(self._database, chain, last["n"], last["hash"])
        for chain in await queries.chains_of_deleted(self._database, now - timedelta(days=self._erased_days)):
            await queries.raise_floor(self._database, chain, *await queries.tail(self._database, chain))
