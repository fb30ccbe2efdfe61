"""Grants go with the member or team that has them, inside the same command."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.services.grants import queries


async def drop_grants_of_member(work: Work, op: Doc) -> None:
    """Those of a placeholder go to who it was, except where there is one already."""
    if op["set"].get("removed_at") is None:
        return
    successor = op["set"].get("merged_into_id")
    for grant in await queries.of_holder(work, op["id"]):
        if successor is None or await queries.of_holder(work, successor, grant.project_id):
            work.remove(grant)
        else:
            work.update(grant, membership_id=successor)


async def drop_grants(work: Work, op: Doc) -> None:
    for grant in await queries.of_holder(work, op["id"]):
        work.remove(grant)
