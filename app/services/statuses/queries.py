"""All access to the statuses' collection."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.statuses import Status
from app.services.access import Order, Page, PageRequest, Scope

BY_RANK = Order("rank")


async def get(scope: Scope, project_id: str, status_id: str) -> Doc | None:
    return await scope.collection(Status).find_one({"_id": status_id, "project_id": project_id})


async def page(scope: Scope, project_id: str, request: PageRequest) -> Page:
    return await scope.collection(Status).page(
        {"project_id": project_id}, BY_RANK, request, hint="statuses_by_rank"
    )


async def of_project(work: Work, project_id: str) -> list[Status]:
    """A project's statuses in the order of its board."""
    return await work.find(Status, {"project_id": project_id}, BY_RANK.sort)
