"""Whose comment it is. Pure."""

from app.core.errors import ErrorCode, PastisError
from app.models.comments import Comment
from app.models.permissions import Permission
from app.services.access.standing import Standing


def check_own(comment: Comment, standing: Standing, project_id: str) -> None:
    """Raises `permission_denied`: a comment is its author's, and theirs who moderate in the project."""
    required = Permission.COMMENT_MODERATE
    if comment.author_id != standing.membership_id and required not in standing.in_project(project_id):
        raise PastisError(ErrorCode.PERMISSION_DENIED, permission=required)
