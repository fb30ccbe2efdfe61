"""Labels."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Labels, LabelWriter, Paging, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, deleted, found, listed
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.labels import LabelCreate, LabelPatch, LabelRead
from app.schemas.pagination import Page
from app.services.access import Permission

router = APIRouter(prefix="/workspaces/{workspace}/labels", tags=["labels"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.LABEL_READ))]


@router.post(
    "",
    status_code=201,
    response_model=LabelRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.LABEL_CREATE)), Depends(refuse_match)],
)
async def create_label(labels: LabelWriter, request: Request, body: LabelCreate) -> Response:
    """A new label; its name is unique whatever its case."""
    return created(request, await labels.create(body))


@router.get("", response_model=Page[LabelRead], responses=problems.READ, dependencies=READ)
async def list_labels(labels: Labels, request: Request, page: Paging) -> Response:
    """The labels of a workspace, by name."""
    return listed(request, await labels.page(page))


@router.get("/{label}", response_model=LabelRead, responses=problems.READ, dependencies=READ)
async def get_label(labels: Labels, request: Request, label: Id) -> Response:
    """One label."""
    return found(request, await labels.get(label))


@router.patch(
    "/{label}",
    response_model=LabelRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.LABEL_UPDATE))],
)
async def update_label(labels: LabelWriter, label: Id, body: LabelPatch) -> Response:
    """Change a label."""
    return changed(await labels.update(label, body))


@router.delete(
    "/{label}",
    status_code=204,
    responses=problems.ACTION_IN_USE,
    dependencies=[Depends(Requires(Permission.LABEL_DELETE))],
)
async def delete_label(labels: LabelWriter, label: Id) -> Response:
    """Delete a label; its tasks let go of it in the same command, and an undo brings all of it back."""
    return deleted(await labels.delete(label))
