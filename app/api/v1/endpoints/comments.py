"""Comments on tasks."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Comments, CommentWriter, Paging, RefPath, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, deleted, found, listed
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.comments import CommentCreate, CommentPatch, CommentRead
from app.schemas.pagination import Page
from app.services.access import Permission

router = APIRouter(
    prefix="/workspaces/{workspace}/tasks/{task}/comments", tags=["comments"], route_class=StrictRoute
)
READ = [Depends(Requires(Permission.COMMENT_READ))]


@router.post(
    "",
    status_code=201,
    response_model=CommentRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.COMMENT_CREATE)), Depends(refuse_match)],
)
async def create_comment(
    comments: CommentWriter, request: Request, task: RefPath, body: CommentCreate
) -> Response:
    """Write a comment on a task."""
    return created(request, await comments.create(task, body))


@router.get("", response_model=Page[CommentRead], responses=problems.READ, dependencies=READ)
async def list_comments(comments: Comments, request: Request, task: RefPath, page: Paging) -> Response:
    """A task's comments, the oldest first."""
    return listed(request, await comments.page(task, page))


@router.get("/{comment}", response_model=CommentRead, responses=problems.READ, dependencies=READ)
async def get_comment(comments: Comments, request: Request, task: RefPath, comment: Id) -> Response:
    """One comment."""
    return found(request, await comments.get(task, comment))


@router.patch(
    "/{comment}",
    response_model=CommentRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.COMMENT_UPDATE))],
)
async def update_comment(comments: CommentWriter, task: RefPath, comment: Id, body: CommentPatch) -> Response:
    """Edit one's comment; the former text stays in the history."""
    return changed(await comments.update(task, comment, body))


@router.delete(
    "/{comment}",
    status_code=204,
    responses=problems.ACTION,
    dependencies=[Depends(Requires(Permission.COMMENT_DELETE))],
)
async def delete_comment(comments: CommentWriter, task: RefPath, comment: Id) -> Response:
    """Delete one's comment; an undo brings it back."""
    return deleted(await comments.delete(task, comment))
