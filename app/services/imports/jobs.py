"""The imports that this process carries out beside its requests."""

import asyncio
from typing import IO

from app.core.documents import Doc
from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.core.unit_of_work import Outcome
from app.services.audit import AuditEngine
from app.services.imports.engine import ImportEngine
from app.services.imports.jira_archive import Archive, ArchiveError
from app.services.imports.run import ImportOptions, Run

STOP_SECONDS = 1.0
_FIELD_CODES = {
    "damaged": FieldCode.INVALID_FORMAT,
    "empty": FieldCode.BLANK,
    "not_json_lines": FieldCode.MALFORMED,
}


class ImportJobs:
    """One import a workspace at a time. One a process."""

    def __init__(self, audit: AuditEngine) -> None:
        self._audit = audit
        self._busy: set[str] = set()
        self._tasks: dict[asyncio.Task[None], Run] = {}
        self._closed = False
        self._beginning = asyncio.Lock()

    async def submit(
        self,
        engine: ImportEngine,
        options: ImportOptions,
        file: IO[bytes],
        *,
        limit: int,
        key: str | None = None,
        fingerprint: str = "",
    ) -> Outcome[Doc]:
        """Start an import and give its run. The file is closed when nothing reads it any more.

        Raises `validation_failed` for a file that is no archive, `body_too_large` for one that unpacks to
        more than `limit` bytes, `wrong_state` while the workspace has an import under way, and
        `idempotency_key_reused`. The same key again gives the same run.
        """
        archive = Archive(file, limit)
        started = False
        try:
            former = None if key is None else await engine.find_request(key, fingerprint)
            if former is not None:
                return Outcome(former, None, replayed=True)
            await _check(archive, limit)
            run, doc = await self._begin(engine, options, key, fingerprint)
            if run is not None:
                self._start(engine, run, archive)
                started = True
            return Outcome(doc, None, replayed=run is None)
        finally:
            if not started:
                archive.close()

    async def _begin(
        self, engine: ImportEngine, options: ImportOptions, key: str | None, fingerprint: str
    ) -> tuple[Run | None, Doc]:
        """Take the workspace's only place, and keep the run; none but the former of the same request."""
        async with self._beginning:
            if self._closed:
                raise PastisError(ErrorCode.SERVER_STOPPING)
            if engine.workspace_id in self._busy:
                # By the same request, perhaps, which was faster while this one's file was checked.
                former = None if key is None else await engine.find_request(key, fingerprint)
                if former is None:
                    raise PastisError(ErrorCode.WRONG_STATE, kind="import", state="running")
                return None, former
            run, doc = await engine.begin(options, key, fingerprint)
            if run is not None:
                await engine.audit(self._audit, run)
                self._busy.add(engine.workspace_id)
            return run, doc

    def _start(self, engine: ImportEngine, run: Run, archive: Archive) -> None:
        task = asyncio.create_task(self._carry_out(engine, run, archive), name=f"import {run.id}")
        self._tasks[task] = run
        task.add_done_callback(self._tasks.pop)

    async def _carry_out(self, engine: ImportEngine, run: Run, archive: Archive) -> None:
        try:
            await engine.execute(run, archive)
        finally:
            self._busy.discard(engine.workspace_id)
            archive.close()

    async def close(self) -> None:
        """Interrupt what is under way; running it again goes on from there.

        Each ends with its window, since an operation that is cancelled costs the driver a connection; one
        that does not get there in time is cancelled.
        """
        self._closed = True
        for run in self._tasks.values():
            run.stopping = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _check(archive: Archive, limit: int) -> None:
    try:
        await asyncio.to_thread(archive.check)
    except ArchiveError as exc:
        if exc.code == "too_large":
            raise PastisError(ErrorCode.BODY_TOO_LARGE, limit=limit) from None
        raise invalid("/file", _FIELD_CODES[exc.code]) from None
