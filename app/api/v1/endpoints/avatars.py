"""Avatars: the pictures of people."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.deps import Account, IfMatch, Memberships, Process
from app.api.gate import Requires, RequiresAccount
from app.api.pictures import BODY, PICTURE, check_picture_match, picture, read_picture
from app.api.requests import StrictRoute
from app.api.v1 import problems
from app.schemas.base import Id
from app.services.access import Permission

router = APIRouter(tags=["avatars"], route_class=StrictRoute)
ACCOUNT = [Depends(RequiresAccount())]
SHOWN: dict[str, Any] = {"response_class": Response}
Version = Annotated[
    str | None,
    Query(
        pattern="^[0-9a-f]{24}$",
        description="The version that is meant: what it names may be kept for a year.",
    ),
]


@router.put(
    "/me/avatar",
    status_code=204,
    responses=problems.AVATAR_WRITE,
    openapi_extra={"requestBody": BODY},
    dependencies=ACCOUNT,
)
async def update_avatar(
    services: Process, account: Account, request: Request, if_match: IfMatch = None
) -> Response:
    """Put one's picture: a PNG, JPEG or WebP of 1 MB at most. It is cut to 256 by 256 and drawn anew."""
    content = await read_picture(request)
    await check_picture_match(services.avatars, account.principal.user_id, if_match)
    avatar = await services.avatars.put(account.principal.user_id, content)
    return Response(status_code=204, headers={"etag": f'"{avatar.version}"'})


@router.get("/me/avatar", responses=problems.AVATAR_READ | PICTURE, dependencies=ACCOUNT, **SHOWN)
async def get_avatar(
    services: Process, account: Account, request: Request, version: Version = None
) -> Response:
    """One's picture."""
    return picture(request, await services.avatars.get(account.principal.user_id), version)


@router.delete("/me/avatar", status_code=204, responses=problems.PROFILE_WRITE, dependencies=ACCOUNT)
async def delete_avatar(services: Process, account: Account, if_match: IfMatch = None) -> Response:
    """Take one's picture away, if there is one."""
    await check_picture_match(services.avatars, account.principal.user_id, if_match)
    await services.avatars.delete(account.principal.user_id)
    return Response(status_code=204)


@router.get(
    "/workspaces/{workspace}/memberships/{membership}/avatar",
    responses=problems.MEMBER_READ | PICTURE,
    dependencies=[Depends(Requires(Permission.MEMBERSHIP_READ))],
    **SHOWN,
)
async def get_membership_avatar(
    services: Process, memberships: Memberships, request: Request, membership: Id, version: Version = None
) -> Response:
    """The picture of somebody in the workspace."""
    avatar = await services.avatars.of_member(await memberships.get(membership))
    return picture(request, avatar, version)
