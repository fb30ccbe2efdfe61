"""Deactivation and deletion of accounts.

A deletion is in many places and no transaction. It is marked on the account first and that goes last; a job
finishes one that was interrupted, as each step can be done again.
"""

from collections.abc import Awaitable, Callable, Sequence

from app.core.clock import Clock
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.jobs import Job, JobError, JobKind, only
from app.models.users import User
from app.services.audit import AuditEngine, AuditKind
from app.services.jobs import JobEngine
from app.services.memberships import Departures
from app.services.sessions import SessionEngine
from app.services.users import UserEngine

Eraser = Callable[[str], Awaitable[None]]
"""Deletes what one collection has of an account; may be called again."""

_SOURCE = {"channel": "system", "client": None, "request_id": None}


class AccountEngine:
    def __init__(
        self,
        users: UserEngine,
        sessions: SessionEngine,
        departures: Departures,
        erasers: Sequence[Eraser],
        jobs: JobEngine,
        clock: Clock,
        audit: AuditEngine,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._departures = departures
        self._erasers = erasers
        self._jobs = jobs
        self._clock = clock
        self._audit = audit

    async def deactivate(self, user_id: str) -> None:
        """End all logins and allow no new ones, until an operator activates the account again.

        Raises `last_owner`, which names the workspaces that would be left without an owner.
        """
        await self._check_not_needed(user_id)
        await self._users.update(user_id, {"active": False})
        try:
            await self._check_not_needed(user_id)
        except PastisError:  # the other owner did the same meanwhile
            await self._users.update(user_id, {"active": True})
            raise
        await self._sessions.end_all(user_id)
        await self._audit.record(AuditKind.ACCOUNT_DEACTIVATE, user_id)

    async def delete(self, user_id: str, source: Doc) -> None:
        """Erase all that is personal; what the person did stays, as a deleted user's.

        Raises `last_owner`, which names the workspaces that would be left without an owner.
        """
        await self._check_not_needed(user_id)

        async def begin(_: Doc) -> None:
            await self._users.update(user_id, {"active": False, "deleting_since": self._clock.now()})
            await self._sessions.end_all(user_id)
            await self._audit.record(AuditKind.ACCOUNT_DELETE, user_id)
            await self._finish(user_id, source)

        # Asked for before the mark is set, and taken already, so that nobody else finds it without its mark.
        job = _job(user_id, taken=True)
        await self._jobs.ask(job)
        await self._jobs.finish(job, begin)

    async def _check_not_needed(self, user_id: str) -> None:
        needed = await self._departures.needed_in(user_id)
        if needed:
            raise PastisError(ErrorCode.LAST_OWNER, workspaces=", ".join(needed))

    async def delete_address(self, email: str, source: Doc) -> str:
        """The same by address, which it gives as it was kept; raises `not_found` too."""
        user = await self._users.find_by_email(email)
        if user is None:
            raise not_found("account")
        await self.delete(user.id, source)
        return user.email

    async def resume(self) -> None:
        """Ask for the jobs of the deletions that were begun."""
        for user in await self._users.being_deleted():
            await self._jobs.ask(_job(user.id))

    async def finish(self, job: Doc) -> None:
        """Finish a deletion that was interrupted; one whose mark is gone has nothing left to do."""
        user = await self._users.find(job["payload"]["user_id"])
        if user is None or user.deleting_since is None:
            return
        try:
            await self._finish(user.id, _SOURCE)
        except PastisError as exc:
            raise JobError(exc.code) from exc

    async def _finish(self, user_id: str, source: Doc) -> None:
        while memberships := await self._departures.of_account(user_id):
            for membership in memberships:
                await self._leave(user_id, membership, source)
        await self._clean_log(user_id)
        for erase in self._erasers:
            await erase(user_id)
        await self._users.delete(user_id)

    async def _leave(self, user_id: str, membership: Doc, source: Doc) -> None:
        await self._users.note_erased(user_id, membership["_id"])
        try:
            await self._departures.leave(membership, source)
        except PastisError as exc:
            await self._users.take_note_back(user_id, membership["_id"])
            if exc.code is ErrorCode.LAST_OWNER:  # the other owner has left meanwhile
                await self._clean_log(user_id)
                await self._users.update(user_id, {"active": True, "deleting_since": None})
            raise

    async def _clean_log(self, user_id: str) -> None:
        user: User = await self._users.get(user_id)
        await self._departures.clean_log(user.erased_memberships)


def _job(user_id: str, *, taken: bool = False) -> Job:
    return only(JobKind.DELETION, user_id, {"user_id": user_id}, taken=taken)
