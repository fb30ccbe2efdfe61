"""What merges look up among memberships."""

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.memberships import Membership


async def merged_into(work: Work, membership_id: str) -> list[Membership]:
    return await work.find(Membership, {"merged_into_id": membership_id})


async def under_way(database: Database) -> list[Doc]:
    """The placeholders, of all workspaces, that something may still name."""
    return await database.collection(Membership).find({"merging": True}).to_list()
