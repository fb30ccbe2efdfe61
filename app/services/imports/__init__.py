"""Imports: archives of other systems, brought into a workspace."""

from app.services.imports.engine import ImportEngine
from app.services.imports.jira_archive import Archive, ArchiveError
from app.services.imports.jobs import ImportJobs
from app.services.imports.run import ImportOptions, Run

__all__ = ["Archive", "ArchiveError", "ImportEngine", "ImportJobs", "ImportOptions", "Run"]
