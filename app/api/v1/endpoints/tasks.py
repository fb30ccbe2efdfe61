"""Tasks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.deps import Activity, Paging, RefPath, Tasks, TaskWriter, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, changed_all, created, listed, sent_on
from app.api.v1 import problems
from app.schemas.events import EventRead
from app.schemas.pagination import Page
from app.schemas.tasks import (
    TaskBatch,
    TaskBatchRead,
    TaskCreate,
    TaskListItem,
    TaskListQuery,
    TaskMove,
    TaskPatch,
    TaskRank,
    TaskRead,
)
from app.services.access import Permission

router = APIRouter(prefix="/workspaces/{workspace}/tasks", tags=["tasks"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.TASK_READ))]
UPDATE = [Depends(Requires(Permission.TASK_UPDATE))]
DELETE = [Depends(Requires(Permission.TASK_DELETE))]


@router.post(
    "",
    status_code=201,
    response_model=TaskRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.TASK_CREATE)), Depends(refuse_match)],
)
async def create_task(tasks: TaskWriter, request: Request, body: TaskCreate) -> Response:
    """A task at the end of its project's order."""
    return created(request, await tasks.create(body))


@router.post("/batch", response_model=TaskBatchRead, responses=problems.WRITE, dependencies=READ)
async def batch_tasks(tasks: TaskWriter, body: TaskBatch) -> Response:
    """Up to 100 operations, all or none, each with an event of its own and the permission of its action."""
    return changed_all(await tasks.batch(body.operations))


@router.get("", response_model=Page[TaskListItem], responses=problems.READ, dependencies=READ)
async def list_tasks(tasks: Tasks, request: Request, query: Annotated[TaskListQuery, Query()]) -> Response:
    """The tasks that match all filters. Without `state`, those that are neither archived nor trashed."""
    return listed(request, await tasks.page(query))


@router.get("/{task}", response_model=TaskRead, responses=problems.READ, dependencies=READ)
async def get_task(tasks: Tasks, request: Request, task: RefPath) -> Response:
    """A task by its id, its key or a former key."""
    return sent_on(request, await tasks.get(task))


@router.patch("/{task}", response_model=TaskRead, responses=problems.WRITE, dependencies=UPDATE)
async def update_task(tasks: TaskWriter, task: RefPath, body: TaskPatch) -> Response:
    """Change the fields that are named. What others change meanwhile in other fields stays."""
    return changed(await tasks.update(task, body))


@router.delete("/{task}", response_model=TaskRead, responses=problems.ACTION, dependencies=DELETE)
async def delete_task(tasks: TaskWriter, task: RefPath) -> Response:
    """Put a task into the trash, from where it can be restored."""
    return changed(await tasks.trash(task))


@router.post("/{task}/restore", response_model=TaskRead, responses=problems.ACTION, dependencies=DELETE)
async def restore_task(tasks: TaskWriter, task: RefPath) -> Response:
    """Take a task out of the trash."""
    return changed(await tasks.restore(task))


@router.post("/{task}/archive", response_model=TaskRead, responses=problems.ACTION, dependencies=UPDATE)
async def archive_task(tasks: TaskWriter, task: RefPath) -> Response:
    """Put a task away, off the lists and boards."""
    return changed(await tasks.archive(task))


@router.post("/{task}/unarchive", response_model=TaskRead, responses=problems.ACTION, dependencies=UPDATE)
async def unarchive_task(tasks: TaskWriter, task: RefPath) -> Response:
    """Take an archived task back."""
    return changed(await tasks.unarchive(task))


@router.post("/{task}/rank", response_model=TaskRead, responses=problems.WRITE, dependencies=UPDATE)
async def rank_task(tasks: TaskWriter, task: RefPath, body: TaskRank) -> Response:
    """Put a card beside another, into another column, or both."""
    return changed(await tasks.rank(task, body))


@router.post("/{task}/move", response_model=TaskRead, responses=problems.WRITE, dependencies=UPDATE)
async def move_task(tasks: TaskWriter, task: RefPath, body: TaskMove) -> Response:
    """Move a task to another project; its history comes along and its old key goes on working."""
    return changed(await tasks.move(task, body))


@router.get(
    "/{task}/activity",
    response_model=Page[EventRead],
    responses=problems.READ,
    dependencies=[Depends(Requires(Permission.EVENT_READ))],
)
async def list_task_activity(activity: Activity, request: Request, task: RefPath, page: Paging) -> Response:
    """Who changed what of a task and its comments, from what to what; the newest first."""
    return listed(request, await activity.of_task(task, page))
