"""Permissions: what somebody may do, and what gives it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.deps import Process, ReadScope
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import plain
from app.api.v1 import problems
from app.schemas.permissions import PermissionQuery, PermissionsRead
from app.services.access import Permission
from app.services.tasks import project_of

router = APIRouter(
    prefix="/workspaces/{workspace}/permissions", tags=["permissions"], route_class=StrictRoute
)


@router.get(
    "",
    response_model=PermissionsRead,
    responses=problems.READ,
    dependencies=[Depends(Requires(Permission.WORKSPACE_READ))],
)
async def get_permissions(
    services: Process, scope: ReadScope, request: Request, query: Annotated[PermissionQuery, Query()]
) -> Response:
    """What oneself, or somebody else, may do in a workspace or project, and by which role or grant."""
    project_id = await project_of(scope, query.project, query.task)
    return plain(request, await services.access.explain(scope, project_id, query.membership))
