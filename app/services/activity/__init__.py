"""History: what happened to whom by whom, and taking it back."""

from app.services.activity.engine import ActivityEngine

__all__ = ["ActivityEngine"]
