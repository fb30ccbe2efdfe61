"""What a placeholder leads is led by who it was, inside the command that merges it."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.services.projects import queries


async def pass_leads_on(work: Work, op: Doc) -> None:
    successor = op["set"].get("merged_into_id")
    if successor is not None:
        for project in await queries.led_by(work, op["id"]):
            work.update(project, lead_id=successor)
