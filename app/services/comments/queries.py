"""All access to the comments' collection."""

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.comments import Comment
from app.services.access import Order, Page, PageRequest, Scope

BY_TIME = Order("created_at")


async def get(scope: Scope, task_id: str, comment_id: str) -> Doc | None:
    return await scope.collection(Comment).find_one({"_id": comment_id, "task_id": task_id})


async def page(scope: Scope, task_id: str, request: PageRequest) -> Page:
    """A task's comments, the oldest first."""
    return await scope.collection(Comment).page(
        {"task_id": task_id}, BY_TIME, request, hint="comments_by_task"
    )


async def by_author(database: Database, workspace_id: str, membership_id: str) -> list[str]:
    """The comments of an author: no index has them, so all of the workspace are looked through."""
    query: Doc = {"workspace_id": workspace_id, "author_id": membership_id}
    found = database.collection(Comment).find(query, {"_id": 1})
    return [doc["_id"] for doc in await found.to_list()]
