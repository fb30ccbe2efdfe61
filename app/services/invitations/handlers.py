"""What a member invited to ends with the membership, and so does what names a placeholder that is gone."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.services.invitations import queries


async def revoke_invitations(work: Work, op: Doc) -> None:
    if op["set"].get("removed_at") is not None:
        for invitation in await queries.of_member(work, op["id"]):
            work.remove(invitation)
