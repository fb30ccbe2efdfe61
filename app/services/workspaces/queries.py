"""All access to the workspaces' collection."""

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.memberships import Membership
from app.models.workspaces import Workspace
from app.services.access import Scope


async def of_user(database: Database, user_id: str) -> list[Doc]:
    """The workspaces that a user is a member of, by name."""
    pipeline: list[Doc] = [
        {"$match": {"user_id": user_id, "removed_at": None}},
        {
            "$lookup": {
                "from": Workspace.__collection__,
                "localField": "workspace_id",
                "foreignField": "_id",
                "as": "workspace",
            }
        },
        {"$replaceRoot": {"newRoot": {"$first": "$workspace"}}},
        {"$sort": {"name": 1, "_id": 1}},
    ]
    return await (await database.collection(Membership).aggregate(pipeline)).to_list()


async def slug_taken(database: Database, slug: str) -> bool:
    return await database.collection(Workspace).find_one({"slug": slug}, {"_id": 1}) is not None


async def get(scope: Scope) -> Doc | None:
    return await scope.collection(Workspace).find_one({"_id": scope.workspace_id})
