"""Merges: placeholders that turn out to be somebody who is there already."""

from app.services.merges.engine import MergeEngine
from app.services.merges.jobs import MergeJobs

__all__ = ["MergeEngine", "MergeJobs"]
