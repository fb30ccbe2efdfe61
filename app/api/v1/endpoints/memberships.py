"""Memberships: the people of a workspace."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.deps import Memberships, MembershipWriter, Paging, Process, WriteScope, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import changed, created, found, listed
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.memberships import MembershipCreate, MembershipMerge, MembershipPatch, MembershipRead
from app.schemas.pagination import Page
from app.services.access import Permission

router = APIRouter(
    prefix="/workspaces/{workspace}/memberships", tags=["memberships"], route_class=StrictRoute
)
Removed = Annotated[bool, Query(description="Those whose membership has ended instead.")]


@router.post(
    "",
    status_code=201,
    response_model=MembershipRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.MEMBERSHIP_CREATE)), Depends(refuse_match)],
)
async def create_membership(
    memberships: MembershipWriter, request: Request, body: MembershipCreate
) -> Response:
    """Let an account in by its address, or name a placeholder."""
    return created(request, await memberships.create(body))


@router.get(
    "",
    response_model=Page[MembershipRead],
    responses=problems.READ,
    dependencies=[Depends(Requires(Permission.MEMBERSHIP_READ))],
)
async def list_memberships(
    memberships: Memberships, request: Request, page: Paging, removed: Removed = False
) -> Response:
    """The people of a workspace, by name."""
    return listed(request, await memberships.page(page, removed=removed))


@router.get(
    "/{membership}",
    response_model=MembershipRead,
    responses=problems.READ,
    dependencies=[Depends(Requires(Permission.MEMBERSHIP_READ))],
)
async def get_membership(memberships: Memberships, request: Request, membership: Id) -> Response:
    """One membership."""
    return found(request, await memberships.get(membership))


@router.patch(
    "/{membership}",
    response_model=MembershipRead,
    responses=problems.WRITE,
    dependencies=[Depends(Requires(Permission.MEMBERSHIP_UPDATE))],
)
async def update_membership(memberships: MembershipWriter, membership: Id, body: MembershipPatch) -> Response:
    """Change a role or a name; nobody reaches above their own role."""
    return changed(await memberships.update(membership, body))


@router.delete(
    "/{membership}",
    response_model=MembershipRead,
    responses=problems.ACTION_ON_PEOPLE,
    dependencies=[Depends(Requires(Permission.MEMBERSHIP_LEAVE))],
)
async def delete_membership(memberships: MembershipWriter, membership: Id) -> Response:
    """Leave, or end another's membership with `membership:delete`. The name stays on what the person did."""
    return changed(await memberships.remove(membership))


@router.post(
    "/{membership}/merge",
    response_model=MembershipRead,
    responses=problems.MERGE,
    dependencies=[Depends(Requires(Permission.MEMBERSHIP_UPDATE))],
)
async def merge_membership(
    services: Process, scope: WriteScope, membership: Id, body: MembershipMerge
) -> Response:
    """Have all that names a placeholder name somebody else; final, and safe to ask again until it is done."""
    return changed(await services.merges.merge(scope, membership, body.into_id))
