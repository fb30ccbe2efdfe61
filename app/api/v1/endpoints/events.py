"""Events: the log, and taking one back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from app.api.deps import Activity, ActivityWriter, Paging
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import deleted, listed, plain
from app.api.v1 import problems
from app.schemas.base import WHOLE
from app.schemas.events import EventRead
from app.schemas.pagination import Page
from app.services.access import Permission

router = APIRouter(prefix="/workspaces/{workspace}/events", tags=["events"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.EVENT_READ))]
Seq = Annotated[int, Path(ge=1, le=2**53, description="The event's number."), WHOLE]


@router.get("", response_model=Page[EventRead], responses=problems.READ, dependencies=READ)
async def list_events(activity: Activity, request: Request, page: Paging) -> Response:
    """All that happened in a workspace, the newest first."""
    return listed(request, await activity.page(page))


@router.get("/{seq}", response_model=EventRead, responses=problems.READ, dependencies=READ)
async def get_event(activity: Activity, request: Request, seq: Seq) -> Response:
    """What the command of this number changed."""
    return plain(request, await activity.event(seq))


@router.post(
    "/{seq}/undo",
    status_code=204,
    responses=problems.UNDO,
    dependencies=[Depends(Requires(Permission.EVENT_UNDO))],
)
async def undo_event(activity: ActivityWriter, seq: Seq) -> Response:
    """Do the inverse of an event; 409 with the reason where later changes forbid it."""
    return deleted(await activity.undo(seq))
