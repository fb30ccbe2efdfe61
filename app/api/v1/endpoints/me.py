"""One's own account."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Account, IfMatch, Process, checked_spare_key
from app.api.gate import RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import check_match, plain
from app.api.v1 import problems
from app.models.users import User
from app.schemas.users import PasswordUpdate, UserPatch, UserRead
from app.services.bootstrap import Services

router = APIRouter(prefix="/me", tags=["me"], route_class=StrictRoute)
LOGIN = [Depends(RequiresAccount())]
RECENT = [Depends(RequiresAccount(recent=True))]


def _shown(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in UserRead.model_fields}


async def _check_match(services: Services, user_id: str, if_match: str | None) -> None:
    if if_match is not None:
        check_match(if_match, _shown(await services.users.get(user_id)))


@router.get(
    "",
    response_model=UserRead,
    responses=problems.ACCOUNT_READ,
    dependencies=[Depends(RequiresAccount(tokens=True))],
)
async def get_me(services: Process, account: Account, request: Request) -> Response:
    """Who is logged in."""
    return plain(request, _shown(await services.users.get(account.principal.user_id)))


@router.patch("", response_model=UserRead, responses=problems.PROFILE_WRITE, dependencies=LOGIN)
async def update_me(
    services: Process, account: Account, request: Request, body: UserPatch, if_match: IfMatch = None
) -> Response:
    """Change one's profile."""
    user_id = account.principal.user_id
    await _check_match(services, user_id, if_match)
    changes = body.model_dump(exclude_unset=True)
    return plain(request, _shown(await services.users.update(user_id, changes)))


@router.post(
    "/deactivate",
    status_code=204,
    responses=problems.ACCOUNT_DEACTIVATE,
    dependencies=[*RECENT, Depends(checked_spare_key)],
)
async def deactivate_me(services: Process, account: Account, if_match: IfMatch = None) -> Response:
    """Put the account to rest: all logins end, and all stays, until an operator activates it again."""
    await _check_match(services, account.principal.user_id, if_match)
    await services.accounts.deactivate(account.principal.user_id)
    return Response(status_code=204)


@router.delete("", status_code=204, responses=problems.ACCOUNT_DELETE, dependencies=RECENT)
async def delete_me(services: Process, account: Account, if_match: IfMatch = None) -> Response:
    """Delete the account for good. What the person did in workspaces stays, as a deleted user's."""
    await _check_match(services, account.principal.user_id, if_match)
    await services.accounts.delete(account.principal.user_id, dict(account.context.source))
    return Response(status_code=204)


@router.put("/password", status_code=204, responses=problems.PASSWORD_WRITE, dependencies=RECENT)
async def update_password(
    services: Process, account: Account, body: PasswordUpdate, if_match: IfMatch = None
) -> Response:
    """Set a new password. All other logins end. If-Match means the account, as `/me` shows it."""
    await _check_match(services, account.principal.user_id, if_match)
    await services.auth.change_password(account.principal, body.current_password, body.password)
    return Response(status_code=204)
