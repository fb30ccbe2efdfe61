"""Public links to a project, and the way in for whoever has one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Paging, Process, ReadScope, RefPath, WriteScope, checked_spare_key, refuse_match
from app.api.gate import Public, Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, deleted, found, listed, secret
from app.api.v1 import problems
from app.core.documents import Doc
from app.schemas.base import Id
from app.schemas.links import LinkCreate, LinkPatch, LinkRead, VisitCreate, VisitRead
from app.schemas.pagination import Page
from app.services.access import Page as Found
from app.services.access import Permission
from app.services.bootstrap import Services
from app.services.links import LinkEngine

router = APIRouter(
    prefix="/workspaces/{workspace}/projects/{project}/links", tags=["links"], route_class=StrictRoute
)
visits = APIRouter(prefix="/auth/visits", tags=["links"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.LINK_READ))]


async def _reader(scope: ReadScope, services: Process) -> LinkEngine:
    return LinkEngine(scope, services.visits)


async def _writer(scope: WriteScope, services: Process) -> LinkEngine:
    return LinkEngine(scope, services.visits)


Links = Annotated[LinkEngine, Depends(_reader)]
LinkWriter = Annotated[LinkEngine, Depends(_writer)]


@router.post(
    "",
    status_code=201,
    response_model=LinkRead,
    responses=problems.LINK_WRITE,
    dependencies=[Depends(Requires(Permission.LINK_CREATE)), Depends(refuse_match)],
)
async def create_link(
    links: LinkWriter, services: Process, request: Request, project: RefPath, body: LinkCreate
) -> Response:
    """Let whoever has the link read a project, or also comment; its visibility must be `link`."""
    outcome = await links.create(project, body)
    return created(request, outcome, {"token": services.visits.link_token(outcome.value.id)})


@router.get("", response_model=Page[LinkRead], responses=problems.READ, dependencies=READ)
async def list_links(
    links: Links, services: Process, request: Request, project: RefPath, page: Paging
) -> Response:
    """The links of a project, the oldest first."""
    some = await links.page(project, page)
    items = [_with_token(services, one) for one in some.items]
    return listed(request, Found(items, some.next_cursor, some.total))


@router.get("/{link}", response_model=LinkRead, responses=problems.READ, dependencies=READ)
async def get_link(links: Links, services: Process, request: Request, project: RefPath, link: Id) -> Response:
    """One link."""
    return found(request, _with_token(services, await links.get(project, link)))


@router.patch(
    "/{link}",
    response_model=LinkRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.LINK_UPDATE))],
)
async def update_link(
    links: LinkWriter, services: Process, project: RefPath, link: Id, body: LinkPatch
) -> Response:
    """Change what a link lets its visitors do, its password or its end."""
    outcome = await links.update(project, link, body)
    return changed(outcome, {"token": services.visits.link_token(link)})


@router.delete(
    "/{link}",
    status_code=204,
    responses=problems.ACTION,
    dependencies=[Depends(Requires(Permission.LINK_DELETE))],
)
async def delete_link(links: LinkWriter, project: RefPath, link: Id) -> Response:
    """End a link; its visitors are out within a second."""
    return deleted(await links.delete(project, link))


@visits.post(
    "",
    response_model=VisitRead,
    responses=problems.VISIT,
    dependencies=[
        Depends(Public("whoever has a link and its password")),
        Depends(checked_spare_key),
        Depends(refuse_match),
    ],
)
async def create_visit(services: Process, body: VisitCreate) -> Response:
    """Open a link. The access token is for its project only, and is not refreshed: open the link again."""
    opened = await services.visits.open(body.token, body.password)
    names = ("workspace_id", "project_id", "membership_id", "role")
    tokens = {"access_token": opened.token, "token_type": "bearer", "expires_in": opened.expires_in}
    return secret(tokens | {name: opened.link[name] for name in names})


def _with_token(services: Services, link: Doc) -> Doc:
    return {**link, "token": services.visits.link_token(link["id"])}
