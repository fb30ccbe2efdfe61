"""Grants: who has which role in a project."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Grants, GrantWriter, Paging, RefPath, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, deleted, found, listed
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.grants import GrantCreate, GrantPatch, GrantRead
from app.schemas.pagination import Page
from app.services.access import Permission

router = APIRouter(
    prefix="/workspaces/{workspace}/projects/{project}/grants", tags=["grants"], route_class=StrictRoute
)
READ = [Depends(Requires(Permission.GRANT_READ))]


@router.post(
    "",
    status_code=201,
    response_model=GrantRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.GRANT_CREATE)), Depends(refuse_match)],
)
async def create_grant(
    grants: GrantWriter, request: Request, project: RefPath, body: GrantCreate
) -> Response:
    """Give a member or a team a role in a project; nobody gives what they do not have."""
    return created(request, await grants.create(project, body))


@router.get("", response_model=Page[GrantRead], responses=problems.READ, dependencies=READ)
async def list_grants(grants: Grants, request: Request, project: RefPath, page: Paging) -> Response:
    """The grants of a project, the oldest first."""
    return listed(request, await grants.page(project, page))


@router.get("/{grant}", response_model=GrantRead, responses=problems.READ, dependencies=READ)
async def get_grant(grants: Grants, request: Request, project: RefPath, grant: Id) -> Response:
    """One grant."""
    return found(request, await grants.get(project, grant))


@router.patch(
    "/{grant}",
    response_model=GrantRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.GRANT_UPDATE))],
)
async def update_grant(grants: GrantWriter, project: RefPath, grant: Id, body: GrantPatch) -> Response:
    """Change a role in a project; it counts within a second."""
    return changed(await grants.update(project, grant, body))


@router.delete(
    "/{grant}",
    status_code=204,
    responses=problems.ACTION,
    dependencies=[Depends(Requires(Permission.GRANT_DELETE))],
)
async def delete_grant(grants: GrantWriter, project: RefPath, grant: Id) -> Response:
    """Take a grant back; it counts within a second."""
    return deleted(await grants.delete(project, grant))
