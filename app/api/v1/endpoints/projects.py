"""Projects."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.deps import Paging, Projects, ProjectWriter, RefPath, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, found, listed
from app.api.v1 import problems
from app.schemas.pagination import Page
from app.schemas.projects import ProjectCreate, ProjectPatch, ProjectRead
from app.services.access import Permission

router = APIRouter(prefix="/workspaces/{workspace}/projects", tags=["projects"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.PROJECT_READ))]
UPDATE = [Depends(Requires(Permission.PROJECT_UPDATE))]


@router.post(
    "",
    status_code=201,
    response_model=ProjectRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.PROJECT_CREATE)), Depends(refuse_match)],
)
async def create_project(projects: ProjectWriter, request: Request, body: ProjectCreate) -> Response:
    """A project with the usual statuses on its board."""
    return created(request, await projects.create(body))


@router.get("", response_model=Page[ProjectRead], responses=problems.READ, dependencies=READ)
async def list_projects(
    projects: Projects,
    request: Request,
    page: Paging,
    archived: Annotated[bool, Query(description="The archived ones instead.")] = False,
) -> Response:
    """The projects of a workspace, by name."""
    return listed(request, await projects.page(page, archived=archived))


@router.get("/{project}", response_model=ProjectRead, responses=problems.READ, dependencies=READ)
async def get_project(projects: Projects, request: Request, project: RefPath) -> Response:
    """A project by its id or key."""
    return found(request, await projects.get(project))


@router.patch("/{project}", response_model=ProjectRead, responses=problems.WRITE, dependencies=UPDATE)
async def update_project(projects: ProjectWriter, project: RefPath, body: ProjectPatch) -> Response:
    """Change a project."""
    return changed(await projects.update(project, body))


@router.post("/{project}/archive", response_model=ProjectRead, responses=problems.ACTION, dependencies=UPDATE)
async def archive_project(projects: ProjectWriter, project: RefPath) -> Response:
    """Put a project away: it and its tasks can be read, not changed."""
    return changed(await projects.archive(project))


@router.post(
    "/{project}/unarchive", response_model=ProjectRead, responses=problems.ACTION, dependencies=UPDATE
)
async def unarchive_project(projects: ProjectWriter, project: RefPath) -> Response:
    """Take a project back."""
    return changed(await projects.unarchive(project))
