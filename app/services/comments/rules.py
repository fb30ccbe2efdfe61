"""Whose comment it is. Pure."""

from app.core.errors import ErrorCode, PastisError
from app.models.comments import Comment
from app.models.memberships import Role


def check_own(comment: Comment, membership_id: str, role: Role, permission: str) -> None:
    """Raises `permission_denied`: a comment is its author's, and the admins'."""
    if comment.author_id != membership_id and role is Role.MEMBER:
        raise PastisError(ErrorCode.PERMISSION_DENIED, permission=permission)
