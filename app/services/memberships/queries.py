"""All access to the memberships' collection but the look-up of a request, which is access's."""

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.memberships import Membership, Role
from app.models.workspaces import Workspace
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


async def given_by(database: Database, user_id: str, source_id: str) -> set[str]:
    """The workspaces that an account is in because this source says so."""
    query: Doc = {"user_id": user_id, "given_by": source_id, "removed_at": None}
    found = database.collection(Membership).find(query, {"workspace_id": 1})
    return {doc["workspace_id"] for doc in await found.to_list()}


async def workspace_ids(database: Database, refs: list[str]) -> dict[str, str]:
    """The ids of the workspaces that these ids and short names name."""
    query: Doc = {"$or": [{"_id": {"$in": refs}}, {"slug": {"$in": refs}}]}
    found = await database.collection(Workspace).find(query, {"slug": 1}).to_list()
    return {doc[name]: doc["_id"] for name in ("slug", "_id") for doc in found}
