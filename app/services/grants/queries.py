"""All access to the grants' collection but the look-up of a request, which is access's."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.grants import Grant
from app.services.access import Order, Page, PageRequest, Scope

BY_ID = Order("_id")


async def get(scope: Scope, project_id: str, grant_id: str) -> Doc | None:
    return await scope.collection(Grant).find_one({"_id": grant_id, "project_id": project_id})


async def page(scope: Scope, project_id: str, request: PageRequest) -> Page:
    """The grants of a project, the oldest first."""
    return await scope.collection(Grant).page(
        {"project_id": project_id}, BY_ID, request, hint="grants_in_order"
    )


async def of_holder(work: Work, holder_id: str, project_id: str | None = None) -> list[Grant]:
    """The grants of a member or a team, in one project or in all."""
    query: Doc = {"holder_id": holder_id}
    return await work.find(Grant, query if project_id is None else query | {"project_id": project_id})
