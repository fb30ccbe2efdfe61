"""Memberships that follow from groups of another system: given, changed and ended with them."""

from collections.abc import Mapping

from app.core.database.engine import Database
from app.core.logging import get_logger
from app.core.unit_of_work import Command, Context, Work, Writers
from app.models.memberships import Membership, Role
from app.models.users import User
from app.services.memberships import queries
from app.services.memberships.arrivals import add_member

logger = get_logger(__name__)


class GroupMemberships:
    """Has an account's memberships follow what a source says, and leaves alone what people gave."""

    def __init__(self, database: Database, writers: Writers) -> None:
        self._database = database
        self._writers = writers

    async def follow(self, user: User, source_id: str, roles: Mapping[str, Role], context: Context) -> None:
        """Give these roles, by id or short name of the workspaces, and end what the source gave before."""
        known = await queries.workspace_ids(self._database, list(roles)) if roles else {}
        for unknown in roles.keys() - known.keys():
            logger.warning("groups name a workspace that is not there", workspace=unknown)
        wanted = {known[ref]: role for ref, role in roles.items() if ref in known}
        given = await queries.given_by(self._database, user.id, source_id)
        for workspace_id in sorted(given | wanted.keys()):
            command = _command(user, source_id, wanted.get(workspace_id))
            await self._writers.run(workspace_id, command, context)


def _command(user: User, source_id: str, role: Role | None) -> Command[Membership | None]:
    """Give the role that a source says, or end the membership that it gave where it says none."""

    async def decide(work: Work) -> Membership | None:
        found = await queries.of_user(work, user.id)
        if found is not None and found.removed_at is None and found.given_by != source_id:
            return found  # by hand, or by another source: not ours to change
        if role is None:
            ended = found is not None and found.removed_at is None
            return work.update(found, removed_at=work.now, given_by=None) if found and ended else found
        if found is not None:
            return work.update(found, role=role, custom_role_id=None, removed_at=None, given_by=source_id)
        return add_member(work, user, role, given_by=source_id)

    return Command("membership.follow", decide)
