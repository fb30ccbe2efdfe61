"""Merges: placeholders that turn out to be somebody who is there already."""

from app.services.merges.engine import MergeEngine

__all__ = ["MergeEngine"]
