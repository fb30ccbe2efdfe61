"""Labels."""

from app.services.labels.engine import LabelEngine

__all__ = ["LabelEngine"]
