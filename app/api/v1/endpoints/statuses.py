"""Statuses: the columns of a project's board."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Paging, RefPath, Statuses, StatusWriter, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, deleted, found, listed
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.pagination import Page
from app.schemas.statuses import StatusCreate, StatusMove, StatusPatch, StatusRead
from app.services.access import Permission

router = APIRouter(
    prefix="/workspaces/{workspace}/projects/{project}/statuses", tags=["statuses"], route_class=StrictRoute
)
READ = [Depends(Requires(Permission.STATUS_READ))]
UPDATE = [Depends(Requires(Permission.STATUS_UPDATE))]


@router.post(
    "",
    status_code=201,
    response_model=StatusRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.STATUS_CREATE)), Depends(refuse_match)],
)
async def create_status(
    statuses: StatusWriter, request: Request, project: RefPath, body: StatusCreate
) -> Response:
    """A new column at the end of the board."""
    return created(request, await statuses.create(project, body))


@router.get("", response_model=Page[StatusRead], responses=problems.READ, dependencies=READ)
async def list_statuses(statuses: Statuses, request: Request, project: RefPath, page: Paging) -> Response:
    """A project's statuses in the order of its board."""
    return listed(request, await statuses.page(project, page))


@router.get("/{status}", response_model=StatusRead, responses=problems.READ, dependencies=READ)
async def get_status(statuses: Statuses, request: Request, project: RefPath, status: Id) -> Response:
    """One status."""
    return found(request, await statuses.get(project, status))


@router.patch("/{status}", response_model=StatusRead, responses=problems.WRITE, dependencies=UPDATE)
async def update_status(statuses: StatusWriter, project: RefPath, status: Id, body: StatusPatch) -> Response:
    """Give a status another name."""
    return changed(await statuses.update(project, status, body))


@router.post("/{status}/move", response_model=StatusRead, responses=problems.WRITE, dependencies=UPDATE)
async def move_status(statuses: StatusWriter, project: RefPath, status: Id, body: StatusMove) -> Response:
    """Give a status another place on the board."""
    return changed(await statuses.move(project, status, body))


@router.delete(
    "/{status}",
    status_code=204,
    responses=problems.ACTION_IN_USE,
    dependencies=[Depends(Requires(Permission.STATUS_DELETE))],
)
async def delete_status(statuses: StatusWriter, project: RefPath, status: Id) -> Response:
    """Delete a status that no task has."""
    return deleted(await statuses.delete(project, status))
