"""All access to the teams' collection but the look-up of a request, which is access's."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.teams import Team
from app.services.access import Order, Page, PageRequest, Scope

BY_NAME = Order("folded")


async def get(scope: Scope, team_id: str) -> Doc | None:
    return await scope.collection(Team).find_one({"_id": team_id})


async def page(scope: Scope, request: PageRequest) -> Page:
    return await scope.collection(Team).page({}, BY_NAME, request, hint="teams_in_order")


async def with_name(work: Work, folded: str) -> Team | None:
    found = await work.find(Team, {"folded": folded}, limit=1)
    return found[0] if found else None


async def of_member(work: Work, membership_id: str) -> list[Team]:
    return await work.find(Team, {"member_ids": membership_id})
