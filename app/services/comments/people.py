"""The authors of comments, where one of them turns out to be another."""

from collections.abc import Sequence

from app.core.database.engine import Database
from app.core.unit_of_work import Work
from app.models.comments import Comment
from app.services.comments import queries


async def comments_by(database: Database, workspace_id: str, membership_id: str) -> list[str]:
    return await queries.by_author(database, workspace_id, membership_id)


async def pass_comments_on(
    work: Work, comment_ids: Sequence[str], former_id: str, membership_id: str
) -> None:
    """Have comments name somebody else in the place of the former one."""
    for comment in await work.get_many(Comment, comment_ids):
        if comment.author_id == former_id:
            work.update(comment, author_id=membership_id)
