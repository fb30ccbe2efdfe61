"""All access to the projects' collection."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.projects import Project
from app.services.access import Order, Page, PageRequest, Scope

BY_NAME = Order("name")


async def get(scope: Scope, project_id: str) -> Doc | None:
    return await scope.collection(Project).find_one({"_id": project_id})


async def page(scope: Scope, request: PageRequest, *, archived: bool) -> Page:
    query: Doc = {"archived_at": {"$ne": None} if archived else None}
    return await scope.collection(Project).page(query, BY_NAME, request, hint="projects_by_name")


async def key_taken(work: Work, key: str) -> bool:
    return bool(await work.find(Project, {"key": key}, limit=1))


async def led_by(work: Work, membership_id: str) -> list[Project]:
    return await work.find(Project, {"lead_id": membership_id})
