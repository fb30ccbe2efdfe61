"""Comments on tasks."""

from app.services.comments.engine import CommentEngine

__all__ = ["CommentEngine"]
