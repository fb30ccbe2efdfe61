"""All access to the custom roles' collection but the look-up of a request, which is access's."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.grants import Grant
from app.models.memberships import Membership
from app.models.roles import CustomRole
from app.services.access import Order, Page, PageRequest, Scope

BY_NAME = Order("folded")


async def get(scope: Scope, role_id: str) -> Doc | None:
    return await scope.collection(CustomRole).find_one({"_id": role_id})


async def page(scope: Scope, request: PageRequest) -> Page:
    return await scope.collection(CustomRole).page({}, BY_NAME, request, hint="roles_in_order")


async def find(work: Work, role_id: str) -> CustomRole | None:
    found = await work.find(CustomRole, {"_id": role_id}, limit=1)
    return found[0] if found else None


async def with_name(work: Work, folded: str) -> CustomRole | None:
    found = await work.find(CustomRole, {"folded": folded}, limit=1)
    return found[0] if found else None


async def uses(work: Work, role_id: str, limit: int) -> int:
    """How many memberships and grants have the role, each counted up to the limit."""
    named: Doc = {"custom_role_id": role_id}
    return await work.count(Membership, named, limit) + await work.count(Grant, named, limit)
