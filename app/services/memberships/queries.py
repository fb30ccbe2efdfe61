"""All access to the memberships' collection but the look-up of a request, which is access's."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.memberships import Membership, Role
from app.services.access import Order, Page, PageRequest, Scope

BY_NAME = Order("display_name")


async def get(scope: Scope, membership_id: str) -> Doc | None:
    return await scope.collection(Membership).find_one({"_id": membership_id})


async def page(scope: Scope, request: PageRequest, *, removed: bool) -> Page:
    query: Doc = {"removed_at": {"$ne": None} if removed else None}
    return await scope.collection(Membership).page(query, BY_NAME, request, hint="memberships_by_name")


async def of_user(work: Work, user_id: str) -> Membership | None:
    found = await work.find(Membership, {"user_id": user_id}, limit=1)
    return found[0] if found else None


async def owners(work: Work) -> int:
    """How many owners can log in, counted up to two."""
    query: Doc = {"role": Role.OWNER.value, "removed_at": None, "user_id": {"$ne": None}}
    return await work.count(Membership, query, 2)
