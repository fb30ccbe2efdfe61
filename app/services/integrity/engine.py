"""Checks that a workspace's log is gap-free and that its documents are what the log adds up to."""

from dataclasses import dataclass, field

from app.core.database.engine import Database
from app.core.documents import public
from app.services.integrity import queries, rules
from app.services.integrity.rules import State


@dataclass(slots=True)
class Report:
    """What was found in one workspace; empty lists are good news."""

    workspace_id: str
    head: int
    floor: int = 0
    """From where the log is there."""
    events: int = 0
    documents: int = 0
    gaps: list[int] = field(default_factory=list)
    """Numbers that the log lacks."""
    differences: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.gaps and not self.differences and self.events == self.head - self.floor


async def check_all(database: Database) -> list[Report]:
    """Check every workspace. The database should be at rest, or documents may seem ahead of the log."""
    return [
        await check_workspace(database, head["_id"], head["seq"], head["floor"])
        for head in await queries.heads(database)
    ]


async def check_workspace(database: Database, workspace_id: str, head: int, floor: int = 0) -> Report:
    report = Report(workspace_id, head, floor)
    state: State = {}
    async for event in queries.events(database, workspace_id):
        report.events += 1
        due = floor + report.events + len(report.gaps)
        report.gaps.extend(range(due, event["seq"]))
        rules.apply(state, event)
    differences = []
    async for model, doc in queries.documents(database, workspace_id):
        report.documents += 1
        key = (model.KIND, doc["_id"])
        # Taken out, so that what is left is missing, and no document is held twice.
        found = rules.difference(key, state.pop(key, None), public(model, doc), floor)
        differences += [found] if found else []
        report.differences += rules.stale(model, doc)
    report.differences += sorted([*differences, *rules.missing(state)])
    return report
