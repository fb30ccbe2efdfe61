"""Imports: begun, carried out, and looked at while they go on."""

import asyncio
from dataclasses import replace
from datetime import UTC

from app.core.documents import Doc, public, stored
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.logging import get_logger
from app.models.imports import ImportRun, ImportState
from app.models.memberships import Role
from app.services.access import Page, PageRequest, Permission, Scope
from app.services.access.rules import OF_WORKSPACE
from app.services.audit import AuditEngine, AuditKind
from app.services.imports import queries, rules
from app.services.imports.jira_archive import Archive, ArchiveError
from app.services.imports.run import ImportOptions, Run, new_run
from app.services.imports.transfer import Transfer

BEAT_SECONDS = 1.0

logger = get_logger(__name__)


class ImportEngine:
    def __init__(self, scope: Scope) -> None:
        """What is imported says so in the log, beside who asked for it and through what."""
        actor = {**scope.context.actor, "kind": "import"}
        through = "cli" if scope.context.source.get("channel") == "cli" else "import"
        context = replace(scope.context, actor=actor, source={**scope.context.source, "channel": through})
        self._scope = replace(scope, context=context)

    @property
    def workspace_id(self) -> str:
        return self._scope.workspace_id

    async def audit(self, audit: AuditEngine, run: Run) -> None:
        """Record that somebody began an import."""
        user_id = self._scope.standing.principal.user_id
        actor, of = self._scope.context.actor, self.workspace_id
        await audit.record(AuditKind.IMPORT_CREATE, user_id, workspace_id=of, actor=actor, run=run.id)

    async def get(self, run_id: str) -> Doc:
        """A run as it stands; raises `not_found`."""
        doc = await queries.get(self._scope, run_id)
        if doc is None:
            raise not_found("import")
        return self._shown(doc)

    async def page(self, request: PageRequest) -> Page:
        page = await queries.page(self._scope, request)
        return Page([self._shown(doc) for doc in page.items], page.next_cursor, page.total)

    async def find_request(self, key: str, fingerprint: str) -> Doc | None:
        """The run that the same request has started before; raises `idempotency_key_reused` for another's."""
        doc = await queries.by_request(self._scope, self._request_key(key))
        if doc is None:
            return None
        if doc["fingerprint"] != fingerprint:
            raise PastisError(ErrorCode.IDEMPOTENCY_KEY_REUSED)
        return self._shown(doc)

    async def begin(
        self, options: ImportOptions, key: str | None = None, fingerprint: str | None = None
    ) -> tuple[Run | None, Doc]:
        """Keep a new run and give it; none but the former where a request with the same key was faster."""
        request_key = None if key is None else self._request_key(key)
        document = new_run(self._scope, options, request_key, fingerprint)
        if await queries.insert(self._scope.database, document):
            return Run(document.id, options), self._shown(stored(document))
        former = None if key is None else await self.find_request(key, fingerprint or "")
        if former is None:
            raise PastisError(ErrorCode.OVERLOADED)
        return None, former

    async def execute(self, run: Run, archive: Archive) -> None:
        """Import the archive. How it ended is in the run; only being cancelled is raised."""
        beating = asyncio.create_task(self._beat(run), name=f"import {run.id}")
        try:
            await Transfer(self._scope, run, archive).perform()
            run.state = ImportState.DONE
        except asyncio.CancelledError:
            run.state = ImportState.INTERRUPTED
            raise
        except ArchiveError as exc:
            run.fail(exc.code)
        except PastisError as exc:
            if exc.code is ErrorCode.SERVER_STOPPING:
                run.state = ImportState.INTERRUPTED
            else:
                run.fail(exc.code)
        except Exception:
            # Whoever waits for the run must see that it has ended.
            logger.exception("an import failed", run=run.id)
            run.fail(ErrorCode.INTERNAL_ERROR)
        finally:
            beating.cancel()
            await run.record(self._scope)

    async def _beat(self, run: Run) -> None:
        """Say that the run lives, and see whether the one who asked for it may still import."""
        while run.state is ImportState.RUNNING:
            await asyncio.sleep(BEAT_SECONDS)
            await run.record(self._scope)
            membership = await queries.try_membership(self._scope)
            if membership is not None:
                run.allowed = self._still_may(membership)

    def _still_may(self, membership: Doc) -> bool:
        """Whether the one who asked is still here, with a role that may import, or the custom one of then."""
        custom = membership.get("custom_role_id")
        allowed = OF_WORKSPACE[Role(membership["role"])]
        kept = custom is not None and custom == self._scope.standing.holder.custom_role_id
        return membership["removed_at"] is None and (kept or Permission.IMPORT_CREATE in allowed)

    def _request_key(self, key: str) -> str:
        return f"{self._scope.standing.actor_id}:{key}"

    def _shown(self, doc: Doc) -> Doc:
        shown = public(ImportRun, doc) if "_id" in doc else doc
        now = self._scope.writers.clock.now()
        heartbeat = doc["heartbeat"].replace(tzinfo=UTC)  # in a list times are naive
        return {**shown, "state": rules.state_now(ImportState(doc["state"]), heartbeat, now).value}
