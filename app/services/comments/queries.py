"""All access to the comments' collection."""

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
