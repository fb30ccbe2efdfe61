"""Teams."""

from app.services.teams.engine import TeamEngine, check_members, check_team_name

__all__ = ["TeamEngine", "check_members", "check_team_name"]
