"""Teams: groups of members that grants and assignments can name."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Paging, Teams, TeamWriter, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, deleted, found, listed
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.pagination import Page
from app.schemas.teams import TeamCreate, TeamPatch, TeamRead
from app.services.access import Permission

router = APIRouter(prefix="/workspaces/{workspace}/teams", tags=["teams"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.TEAM_READ))]
UPDATE = [Depends(Requires(Permission.TEAM_UPDATE))]


@router.post(
    "",
    status_code=201,
    response_model=TeamRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.TEAM_CREATE)), Depends(refuse_match)],
)
async def create_team(teams: TeamWriter, request: Request, body: TeamCreate) -> Response:
    """A new team; its name is unique whatever its case."""
    return created(request, await teams.create(body))


@router.get("", response_model=Page[TeamRead], responses=problems.READ, dependencies=READ)
async def list_teams(teams: Teams, request: Request, page: Paging) -> Response:
    """The teams of a workspace, by name."""
    return listed(request, await teams.page(page))


@router.get("/{team}", response_model=TeamRead, responses=problems.READ, dependencies=READ)
async def get_team(teams: Teams, request: Request, team: Id) -> Response:
    """One team."""
    return found(request, await teams.get(team))


@router.patch("/{team}", response_model=TeamRead, responses=problems.WRITE, dependencies=UPDATE)
async def update_team(teams: TeamWriter, team: Id, body: TeamPatch) -> Response:
    """Change a team, or who is in it."""
    return changed(await teams.update(team, body))


@router.put(
    "/{team}/members/{membership}", response_model=TeamRead, responses=problems.ACTION, dependencies=UPDATE
)
async def create_team_member(teams: TeamWriter, team: Id, membership: Id) -> Response:
    """Put somebody into a team; safe to repeat."""
    return changed(await teams.add_member(team, membership))


@router.delete(
    "/{team}/members/{membership}", response_model=TeamRead, responses=problems.ACTION, dependencies=UPDATE
)
async def delete_team_member(teams: TeamWriter, team: Id, membership: Id) -> Response:
    """Take somebody out of a team."""
    return changed(await teams.remove_member(team, membership))


@router.delete(
    "/{team}",
    status_code=204,
    responses=problems.ACTION_IN_USE,
    dependencies=[Depends(Requires(Permission.TEAM_DELETE))],
)
async def delete_team(teams: TeamWriter, team: Id) -> Response:
    """Delete a team with its grants; its tasks let go of it in the same command."""
    return deleted(await teams.delete(team))
