"""Who leaves the workspace leaves its teams, inside the same command; a placeholder to who it was."""

from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.teams import Team
from app.services.teams import queries
from app.services.teams.engine import without


async def leave_teams(work: Work, op: Doc) -> None:
    if op["set"].get("removed_at") is not None:
        for team in await queries.of_member(work, op["id"]):
            work.update(team, member_ids=_left(team, op))


def _left(team: Team, op: Doc) -> list[str]:
    successor = op["set"].get("merged_into_id")
    return list(dict.fromkeys([*without(team, op["id"]), *([successor] if successor else [])]))
