"""Custom roles: sets of permissions."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Paging, Roles, RoleWriter, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, deleted, found, listed
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.pagination import Page
from app.schemas.roles import RoleCreate, RolePatch, RoleRead
from app.services.access import Permission

router = APIRouter(prefix="/workspaces/{workspace}/roles", tags=["roles"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.ROLE_READ))]


@router.post(
    "",
    status_code=201,
    response_model=RoleRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.ROLE_CREATE)), Depends(refuse_match)],
)
async def create_role(roles: RoleWriter, request: Request, body: RoleCreate) -> Response:
    """A new custom role; its name is unique whatever its case."""
    return created(request, await roles.create(body))


@router.get("", response_model=Page[RoleRead], responses=problems.READ, dependencies=READ)
async def list_roles(roles: Roles, request: Request, page: Paging) -> Response:
    """The custom roles of a workspace, by name."""
    return listed(request, await roles.page(page))


@router.get("/{role}", response_model=RoleRead, responses=problems.READ, dependencies=READ)
async def get_role(roles: Roles, request: Request, role: Id) -> Response:
    """One custom role."""
    return found(request, await roles.get(role))


@router.patch(
    "/{role}",
    response_model=RoleRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.ROLE_UPDATE))],
)
async def update_role(roles: RoleWriter, role: Id, body: RolePatch) -> Response:
    """Change a custom role; it counts within a second for all who have it."""
    return changed(await roles.update(role, body))


@router.delete(
    "/{role}",
    status_code=204,
    responses=problems.ACTION_IN_USE,
    dependencies=[Depends(Requires(Permission.ROLE_DELETE))],
)
async def delete_role(roles: RoleWriter, role: Id) -> Response:
    """Delete a custom role that nobody has any more."""
    return deleted(await roles.delete(role))
