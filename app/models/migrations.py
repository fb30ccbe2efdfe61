"""The migrations of this version, in order. Numbers are never reused; what has landed is never changed."""

from collections.abc import Sequence

from app.core.database.engine import Database
from app.core.database.migrations import Migration, Progress
from app.models.memberships import Membership, MembershipType
from app.models.projects import Project, Visibility


async def _baseline(_database: Database, _progress: Progress) -> None:
    """The first layout: nothing to change, but the database is marked as one of ours."""


async def _roles(database: Database, _progress: Progress) -> None:
    """What projects and memberships of earlier versions lack: everybody saw every project."""
    await database.raw(Project.__collection__).update_many(
        {"visibility": {"$exists": False}}, {"$set": {"visibility": Visibility.WORKSPACE.value}}
    )
    await database.raw(Membership.__collection__).update_many(
        {"custom_role_id": {"$exists": False}}, {"$set": {"custom_role_id": None}}
    )


async def _membership_types(database: Database, _progress: Progress) -> None:
    """What memberships of earlier versions lack: all were people."""
    await database.raw(Membership.__collection__).update_many(
        {"type": {"$exists": False}}, {"$set": {"type": MembershipType.PERSON.value}}
    )


async def _merges(database: Database, _progress: Progress) -> None:
    """What memberships of earlier versions lack: none had been merged."""
    await database.raw(Membership.__collection__).update_many(
        {"merged_into_id": {"$exists": False}}, {"$set": {"merged_into_id": None}}
    )


MIGRATIONS: Sequence[Migration] = (
    Migration(1, "baseline", _baseline),
    Migration(2, "roles", _roles),
    Migration(3, "membership types", _membership_types),
    Migration(4, "merges", _merges),
)
