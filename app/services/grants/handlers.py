"""Grants go with the member or team that has them, inside the same command."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.services.grants import queries


async def drop_grants_of_member(work: Work, op: Doc) -> None:
    if op["set"].get("removed_at") is not None:
        await drop_grants(work, op)


async def drop_grants(work: Work, op: Doc) -> None:
    for grant in await queries.of_holder(work, op["id"]):
        work.remove(grant)
