"""One import: the file is read once to see what it needs, and again to write it a window at a time."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.messages import DEFAULT_LANGUAGE, problem_text
from app.core.unit_of_work import Command, Outcome
from app.models.tasks import Task
from app.services.access import Permission, Scope
from app.services.imports import queries, rules
from app.services.imports.issues import Issues, is_ours, task_id
from app.services.imports.jira_archive import Archive, ArchiveError, JiraIssue, Line, Problem
from app.services.imports.run import Run, summarize
from app.services.imports.structure import Structure, Targets
from app.services.imports.survey import Survey

WINDOW = 64
"""Issues that are submitted together, as many as one transaction takes."""
AHEAD = 2
"""Windows under way at once, so that one is prepared while the other is committed."""
LOOK_UP = 500
"""Issues that are looked up together while the file is read for the first time."""
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
_PASSING = frozenset({ErrorCode.DATABASE_UNAVAILABLE, ErrorCode.OUTCOME_UNKNOWN, ErrorCode.OVERLOADED})
_FATAL = _PASSING | {ErrorCode.SERVER_STOPPING}

Submitted = tuple[Line, str | None, asyncio.Task[Outcome[Task | None]]]


class Transfer:
    """Brings an archive into a workspace. Counts and problems go to the run as they come."""

    def __init__(self, scope: Scope, run: Run, archive: Archive) -> None:
        self._scope = scope
        self._run = run
        self._archive = archive
        self._survey = Survey()
        self._circular: set[str] = set()
        self._parent_ids: dict[str, str] = {}

    async def perform(self) -> None:
        """Read, and write unless it is a dry run.

        Raises ArchiveError for the file, `permission_denied` once the one who asked may no longer import,
        `server_stopping` once the run is told to stop, and what the unit of work goes on raising.
        """
        run, survey = self._run, self._survey
        await self._read()
        run.summary = summarize(run, survey, Targets())
        if run.options.strict and survey.failed:
            raise ArchiveError("bad_lines")
        await self._find_outer_parents()
        founded_at = await queries.founded_at(self._scope) or self._scope.writers.clock.now()
        structure = Structure(self._scope, founded_at, self._commit)
        targets = await structure.prepare(survey, dry_run=run.options.dry_run)
        run.reading = False
        if run.options.dry_run or not survey.new["tasks"]:
            self._conclude()
        else:
            await self._write(Issues(self._scope, targets))
        run.summary = summarize(run, survey, targets)

    def _conclude(self) -> None:
        """Nothing is left to write: the counts are those of the first reading."""
        run, survey = self._run, self._survey
        run.done = run.total
        run.created, run.comments = survey.new["tasks"], survey.new["comments"]
        run.skipped = survey.known["tasks"]
        run.watch(run)

    # The first reading.

    async def _read(self) -> None:
        async for batch in self._batches(LOOK_UP):
            known = await self._known([line.issue for line in batch if line.issue is not None])
            await asyncio.to_thread(self._take, batch, known)
            self._show_survey()
        self._survey.finish()
        self._show_survey()

    def _take(self, batch: Sequence[Line], known: dict[str, Doc]) -> None:
        for line in batch:
            problem = line.problem or self._clash(line, known)
            self._survey.total += 1
            if problem is not None:
                self._survey.refuse(problem)
            elif line.issue is not None:
                self._survey.add(line, known=line.issue.key in known)

    def _clash(self, line: Line, known: dict[str, Doc]) -> Problem | None:
        """Why a good line cannot be imported all the same."""
        issue = line.issue
        assert issue is not None  # noqa: S101 - a line is an issue or a problem
        if not self._survey.place(line):
            detail = f"the key is in line {self._survey.lines[issue.key]} already"
            return Problem(line.number, issue.key, "duplicate_key", detail)
        if issue.key in known and not self._is_ours(issue, known):
            return Problem(line.number, issue.key, "key_taken", "another task here has the key")
        return None

    def _show_survey(self) -> None:
        self._run.total = self._survey.total
        self._run.failed = self._survey.failed
        self._run.problems = list(self._survey.problems)
        self._run.watch(self._run)

    async def _find_outer_parents(self) -> None:
        """Look up the parents that the file does not hold, and note those that are nowhere."""
        survey = self._survey
        outer = [key for key in dict.fromkeys(survey.parents.values()) if key not in survey.lines]
        for start in range(0, len(outer), LOOK_UP):
            found = await queries.known_tasks(self._scope, outer[start : start + LOOK_UP])
            self._parent_ids.update({key: doc["_id"] for key, doc in found.items()})
        for key, parent in survey.parents.items():
            if parent not in survey.lines and parent not in self._parent_ids:
                survey.note("parent_missing", survey.lines[key])

    # The second reading.

    async def _write(self, issues: Issues) -> None:
        passes, self._circular = rules.parent_passes(self._survey.parents, self._survey.lines)
        for key in self._circular:
            self._survey.note("parent_circle", self._survey.lines[key])
        for number in range(max(passes.values(), default=0) + 1):
            under_way: deque[list[Submitted]] = deque()
            try:
                await self._write_pass(issues, passes, number, under_way)
            finally:
                await _cancel(under_way)

    async def _write_pass(
        self, issues: Issues, passes: dict[str, int], number: int, under_way: deque[list[Submitted]]
    ) -> None:
        async for batch in self._batches(WINDOW):
            if not self._run.allowed:
                raise PastisError(ErrorCode.PERMISSION_DENIED, permission=Permission.IMPORT_CREATE)
            due = [line for line in batch if self._is_due(line, passes, number)]
            if number == 0:
                self._run.done += sum(not self._is_good(line) for line in batch)
            if due:
                under_way.append(await self._submit(issues, due))
            if len(under_way) == AHEAD:
                await self._settle(under_way)
        while under_way:
            await self._settle(under_way)

    def _is_good(self, line: Line) -> bool:
        return line.issue is not None and not self._survey.is_repeated(line)

    def _is_due(self, line: Line, passes: dict[str, int], number: int) -> bool:
        return self._is_good(line) and line.issue is not None and passes.get(line.issue.key, 0) == number

    async def _submit(self, issues: Issues, due: Sequence[Line]) -> list[Submitted]:
        """Start the commands of those that are not here yet, in the order of the file."""
        found = [line.issue for line in due if line.issue is not None]
        parents = [issue.parent for issue in found if issue.parent is not None]
        known = await self._known(found, parents)
        self._parent_ids.update({key: known[key]["_id"] for key in parents if key in known})
        submitted: list[Submitted] = []
        for line, issue in zip(due, found, strict=True):
            self._run.done += 1
            if issue.key in known:
                # Another task's key was refused in the first reading.
                self._run.skipped += self._is_ours(issue, known)
                continue
            parent_id = self._parent_of(issue)
            command = self._command(issues, line, issue, parent_id)
            if command is not None:
                submitted.append((line, parent_id, asyncio.create_task(self._commit(command))))
        return submitted

    def _parent_of(self, issue: JiraIssue) -> str | None:
        self._parent_ids.setdefault(issue.key, task_id(self._scope.workspace_id, issue))
        if issue.parent is None or issue.key in self._circular:
            return None
        return self._parent_ids.get(issue.parent)

    def _command(
        self, issues: Issues, line: Line, issue: JiraIssue, parent_id: str | None
    ) -> Command[Task | None] | None:
        try:
            return issues.command(issue, parent_id)
        except PastisError as exc:
            self._run.refuse(_refusal(line, exc))
            return None

    async def _settle(self, under_way: deque[list[Submitted]]) -> None:
        """Wait for the oldest window; it stays with the others until all of it has ended."""
        for line, parent_id, task in under_way[0]:
            assert line.issue is not None  # noqa: S101 - only issues are submitted
            try:
                outcome = await task
            except PastisError as exc:
                if exc.code in _FATAL:
                    raise
                self._run.refuse(_refusal(line, exc))
                continue
            if outcome.value is None:
                self._run.skipped += 1
                continue
            self._run.created += 1
            self._run.comments += len(line.issue.comments)
            if outcome.value.parent_id != parent_id:
                self._survey.note("parent_missing", line.number)
        under_way.popleft()
        self._run.watch(self._run)

    # What both readings share.

    async def _batches(self, count: int) -> AsyncIterator[list[Line]]:
        """Batches of lines; the next is read in a thread while the last is worked on."""
        batches = self._archive.batches(count)
        reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            while (batch := await reading) is not None:
                reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
                _stay_cancelled()
                if self._run.stopping:
                    raise PastisError(ErrorCode.SERVER_STOPPING)
                yield batch
        finally:
            # The thread must be out of the file before that is closed.
            with contextlib.suppress(asyncio.CancelledError, ArchiveError):
                await reading

    async def _known(self, issues: Sequence[JiraIssue], more: Sequence[str] = ()) -> dict[str, Doc]:
        return await queries.known_tasks(self._scope, [*(issue.key for issue in issues), *more])

    def _is_ours(self, issue: JiraIssue, known: dict[str, Doc]) -> bool:
        return is_ours(known[issue.key], task_id(self._scope.workspace_id, issue), issue.key)

    async def _commit(self, command: Command[Any]) -> Outcome[Any]:
        """Commit a command; again, as its ids allow, while the database is away or busy for a moment."""
        for delay in RETRY_SECONDS:
            try:
                return await self._scope.run(command)
            except PastisError as exc:
                if exc.code not in _PASSING:
                    raise
            await asyncio.sleep(delay)
        return await self._scope.run(command)


def _stay_cancelled() -> None:
    """Raise a cancellation that got lost again.

    Before Python 3.12, `wait_for`, which the driver uses, drops one that comes together with its answer.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _refusal(line: Line, exc: PastisError) -> Problem:
    key = None if line.issue is None else line.issue.key
    return Problem(line.number, key, exc.code.value, problem_text(exc.code, DEFAULT_LANGUAGE, exc.params)[1])


async def _cancel(windows: deque[list[Submitted]]) -> None:
    """Let go of what is under way; what was taken into a transaction is committed all the same."""
    tasks = [task for window in windows for _, _, task in window]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
