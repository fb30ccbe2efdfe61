"""Avatars: pictures of people, drawn anew from what they upload."""

from app.services.avatars.engine import AvatarEngine

__all__ = ["AvatarEngine"]
