"""Merges a placeholder into another membership.

The first command ends the placeholder, so that nothing names it anew, passes on what is few by reactions, and
marks it. Tasks and comments follow in batches, each a commit of its own, as a job that the first command asks
for: the request does it itself, or waits for whoever goes on where another was interrupted.
"""

from collections.abc import Awaitable, Callable, Sequence

from app.core.database.engine import Database
from app.core.documents import Doc, Entity
from app.core.jobs import Job, JobKind, only
from app.core.unit_of_work import Command, Context, Outcome, Work, Writers
from app.models.comments import Comment
from app.models.memberships import Membership
from app.models.tasks import Task
from app.services.access import Scope
from app.services.comments.people import comments_by, pass_comments_on
from app.services.jobs import JobEngine
from app.services.memberships import require_placeholder
from app.services.merges import queries, rules
from app.services.tasks.people import pass_tasks_on, tasks_naming

BATCH = 200
"""Documents of one commit and one event: a tenth of a second, in which others of the workspace wait."""

Find = Callable[[Database, str, str], Awaitable[list[str]]]
PassOn = Callable[[Work, Sequence[str], str, str], Awaitable[None]]
_MANY: Sequence[tuple[type[Entity], Find, PassOn]] = (
    (Task, tasks_naming, pass_tasks_on),
    (Comment, comments_by, pass_comments_on),
)


_SYSTEM = Context(
    {"kind": "system", "user_id": None, "membership_id": None},
    {"channel": "system", "client": None, "request_id": None},
)


class MergeEngine:
    """One a process."""

    def __init__(self, database: Database, writers: Writers, jobs: JobEngine) -> None:
        self._database = database
        self._writers = writers
        self._jobs = jobs

    async def merge(self, scope: Scope, membership_id: str, into_id: str) -> Outcome[Membership]:
        """Have all that names a placeholder name another member; asked again, it finishes what is left.

        Raises `not_found`, `permission_denied` above the actor's own role, and `wrong_state` for a membership
        that has an account.
        """
        job = _job(scope.workspace_id, membership_id, taken=True)

        async def decide(work: Work) -> Membership:
            placeholder = await work.require(Membership, membership_id)
            if placeholder.merged_into_id == into_id:
                return placeholder
            scope.check_version(placeholder)
            placeholder = await require_placeholder(work, membership_id)
            rules.check_target(scope.standing.rank, placeholder, await work.get(Membership, into_id))
            for former in await queries.merged_into(work, membership_id):
                work.update(former, merged_into_id=into_id)
            work.ask(job)
            return work.update(placeholder, removed_at=work.now, merged_into_id=into_id, merging=True)

        # Not the request's own context: its key is for the first command, its guard knows this one route.
        plain = Context(scope.context.actor, scope.context.source)
        outcome = await scope.run(Command("membership.merge", decide, {Membership: [membership_id, into_id]}))
        if not scope.context.dry_run:
            await self._jobs.finish(job, lambda _: self._finish(scope.workspace_id, membership_id, plain))
        return outcome

    async def resume(self) -> None:
        """Ask for the jobs of the merges that were begun."""
        for found in await queries.under_way(self._database):
            await self._jobs.ask(_job(found["workspace_id"], found["_id"]))

    async def finish(self, job: Doc) -> None:
        """Do what is left of a merge."""
        await self._finish(job["payload"]["workspace_id"], job["payload"]["membership_id"], _SYSTEM)

    async def _finish(self, workspace_id: str, membership_id: str, context: Context) -> None:
        for model, find, pass_on in _MANY:
            while ids := await find(self._database, workspace_id, membership_id):
                for start in range(0, len(ids), BATCH):
                    command = _batch(model, pass_on, ids[start : start + BATCH], membership_id)
                    await self._writers.run(workspace_id, command, context)
        await self._writers.run(workspace_id, _done(membership_id), context)


def _job(workspace_id: str, membership_id: str, *, taken: bool = False) -> Job:
    payload = {"workspace_id": workspace_id, "membership_id": membership_id}
    return only(JobKind.MERGE, membership_id, payload, taken=taken)


def _batch(model: type[Entity], pass_on: PassOn, ids: Sequence[str], membership_id: str) -> Command[None]:
    async def decide(work: Work) -> None:
        placeholder = await work.require(Membership, membership_id)
        if placeholder.merged_into_id is not None:  # who may have been merged meanwhile, too
            await pass_on(work, ids, membership_id, placeholder.merged_into_id)

    return Command("membership.merge", decide, {Membership: [membership_id], model: ids})


def _done(membership_id: str) -> Command[None]:
    async def decide(work: Work) -> None:
        work.update(await work.require(Membership, membership_id), merging=False)

    return Command("membership.merge", decide, {Membership: [membership_id]})
