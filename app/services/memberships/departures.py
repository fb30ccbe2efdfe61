"""An account's memberships when it is deleted: they stay, with nothing in them that says whose they were."""

from collections.abc import Sequence

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.unit_of_work import Command, Context, Work, Writers
from app.models.memberships import Membership, Role
from app.services.memberships import queries, rules
from app.services.memberships.engine import check_owner_stays


class Departures:
    def __init__(self, database: Database, writers: Writers) -> None:
        self._database = database
        self._writers = writers

    async def needed_in(self, user_id: str) -> list[str]:
        """The short names of the workspaces whose last owner the account is."""
        return await queries.last_owned(self._database, user_id)

    async def of_account(self, user_id: str) -> list[Doc]:
        """All memberships, those first from which it may be kept as their last owner."""
        found = await queries.of_account(self._database, user_id)
        return sorted(found, key=lambda one: one["role"] != Role.OWNER)

    async def leave(self, membership: Doc, source: Doc) -> None:
        """End the membership and take name and account from it; raises `last_owner`."""
        membership_id, user_id = membership["_id"], membership["user_id"]

        async def decide(work: Work) -> None:
            present = await work.require(Membership, membership_id)
            if present.user_id != user_id:
                return  # done already
            if present.removed_at is None:
                await check_owner_stays(self._database, work, present, None)
            ended = present.removed_at or work.now
            work.update(present, display_name=rules.NOBODY, user_id=None, removed_at=ended)

        actor = {"kind": "user", "user_id": user_id, "membership_id": membership_id}
        command = Command("membership.erase", decide, {Membership: [membership_id]})
        await self._writers.run(membership["workspace_id"], command, Context(actor, source))

    async def clean_log(self, membership_ids: Sequence[str]) -> None:
        """Take the name and account from what the log says of memberships that have them no more."""
        for membership in await queries.with_ids(self._database, membership_ids):
            await queries.clean_log(self._database, membership["workspace_id"], membership["_id"])
