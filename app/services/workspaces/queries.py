"""All access to the workspaces' collection."""

from app.core.database.engine import Database
from app.core.documents import Doc, public
from app.models.memberships import Membership
from app.models.workspaces import Workspace
from app.services.access import AccountScope, Order, Page, PageRequest, Scope
from app.services.access.paging import cut, fingerprint, read_cursor

BY_NAME = Order("name")


async def page(account: AccountScope, request: PageRequest) -> Page:
    """The workspaces of an account, by name, in one round trip (two where the total is asked for)."""
    memberships = account.database.collection(Membership)
    mine: Doc = {"user_id": account.principal.user_id, "removed_at": None}
    bound = fingerprint(Workspace.KIND, account.principal.user_id, {}, BY_NAME)
    behind: Doc = {}
    if request.cursor is not None:
        behind = BY_NAME.behind(*read_cursor(request.cursor, account.secret, bound))
    total = await memberships.count_documents(mine) if request.count else None
    pipeline: list[Doc] = [
        {"$match": mine},
        {
            "$lookup": {
                "from": Workspace.__collection__,
                "localField": "workspace_id",
                "foreignField": "_id",
                "as": "workspace",
            }
        },
        {"$replaceRoot": {"newRoot": {"$first": "$workspace"}}},
        {"$match": behind},
        {"$sort": dict(BY_NAME.sort)},
        {"$limit": request.limit + 1},
    ]
    found = await (await memberships.aggregate(pipeline)).to_list()
    docs, cursor = cut(found, request.limit, BY_NAME, account.secret, bound)
    return Page([_shown(doc) for doc in docs], cursor, total)


async def slug_taken(database: Database, slug: str) -> bool:
    return await database.collection(Workspace).find_one({"slug": slug}, {"_id": 1}) is not None


async def get(scope: Scope) -> Doc | None:
    """The workspace as clients see it."""
    doc = await scope.collection(Workspace).find_one({"_id": scope.workspace_id})
    return None if doc is None else _shown(doc)


def _shown(doc: Doc) -> Doc:
    # Those of version 0.1 lack it.
    return public(Workspace, {**doc, "requires_second_factor": doc.get("requires_second_factor", False)})
