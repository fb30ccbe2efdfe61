"""All access to the labels' collection."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.labels import Label
from app.services.access import Order, Page, PageRequest, Scope

BY_NAME = Order("folded")


async def get(scope: Scope, label_id: str) -> Doc | None:
    return await scope.collection(Label).find_one({"_id": label_id})


async def page(scope: Scope, request: PageRequest) -> Page:
    return await scope.collection(Label).page({}, BY_NAME, request, hint="labels_in_order")


async def with_name(work: Work, folded: str) -> Label | None:
    found = await work.find(Label, {"folded": folded}, limit=1)
    return found[0] if found else None
