"""Workspaces."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Account, AccountWriter, Paging, Workspace, WorkspaceWriter, refuse_match
from app.api.gate import Requires, RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import changed, created, found, listed
from app.api.v1 import problems
from app.schemas.pagination import Page
from app.schemas.workspaces import WorkspaceCreate, WorkspacePatch, WorkspaceRead
from app.services.access import Permission
from app.services.workspaces import create_workspace as found_workspace
from app.services.workspaces import list_workspaces as mine

router = APIRouter(prefix="/workspaces", tags=["workspaces"], route_class=StrictRoute)
LOGIN = [Depends(RequiresAccount())]


@router.post(
    "",
    status_code=201,
    response_model=WorkspaceRead,
    responses=problems.ACCOUNT_CREATE,
    dependencies=[*LOGIN, Depends(refuse_match)],
)
async def create_workspace(account: AccountWriter, request: Request, body: WorkspaceCreate) -> Response:
    """Found a workspace, whose owner one is then."""
    return created(request, await found_workspace(account, body))


@router.get(
    "",
    response_model=Page[WorkspaceRead],
    responses=problems.ACCOUNT_LIST,
    dependencies=[Depends(RequiresAccount(tokens=True))],
)
async def list_workspaces(account: Account, request: Request, page: Paging) -> Response:
    """The workspaces that one is a member of, by name."""
    return listed(request, await mine(account, page))


@router.get(
    "/{workspace}",
    response_model=WorkspaceRead,
    responses=problems.READ,
    dependencies=[Depends(Requires(Permission.WORKSPACE_READ))],
)
async def get_workspace(engine: Workspace, request: Request) -> Response:
    """A workspace by its id or slug."""
    return found(request, await engine.get())


@router.patch(
    "/{workspace}",
    response_model=WorkspaceRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.WORKSPACE_UPDATE))],
)
async def update_workspace(engine: WorkspaceWriter, body: WorkspacePatch) -> Response:
    """Change a workspace's name, slug or description."""
    return changed(await engine.update(body))
