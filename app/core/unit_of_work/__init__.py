"""The one way in: every write to a workspace is a command, committed together with its event."""

from app.core.unit_of_work.command import Command, Context, Outcome, Reaction
from app.core.unit_of_work.work import Work
from app.core.unit_of_work.writer import Writers

__all__ = ["Command", "Context", "Outcome", "Reaction", "Work", "Writers"]
