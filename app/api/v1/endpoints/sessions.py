"""The devices that one is logged in on."""

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Account, IfMatch, Process
from app.api.gate import RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import check_match, plain
from app.api.v1 import problems
from app.schemas.base import Id
from app.schemas.sessions import SessionList, SessionRead

router = APIRouter(
    prefix="/me/sessions",
    tags=["sessions"],
    route_class=StrictRoute,
    dependencies=[Depends(RequiresAccount())],
)


@router.get("", response_model=SessionList, responses=problems.ACCOUNT_READ)
async def list_sessions(services: Process, account: Account, request: Request) -> Response:
    """One's logins, the newest first."""
    return plain(request, {"items": await services.sessions.list_own(account.principal)})


@router.get("/{session}", response_model=SessionRead, responses=problems.SESSION_READ)
async def get_session(services: Process, account: Account, request: Request, session: Id) -> Response:
    """One login."""
    return plain(request, await services.sessions.get_own(account.principal, session))


@router.delete("", status_code=204, responses=problems.PROFILE_WRITE)
async def delete_other_sessions(services: Process, account: Account, if_match: IfMatch = None) -> Response:
    """End all logins but this one. If-Match means the list."""
    principal = account.principal
    if if_match is not None:
        check_match(if_match, {"items": await services.sessions.list_own(principal)})
    await services.auth.revoke_others(principal)
    return Response(status_code=204)


@router.delete("/{session}", status_code=204, responses=problems.SESSION_DELETE)
async def delete_session(
    services: Process, account: Account, session: Id, if_match: IfMatch = None
) -> Response:
    """End one login; its tokens stop working."""
    shown = await services.sessions.get_own(account.principal, session)
    if if_match is not None:
        check_match(if_match, shown)
    await services.auth.revoke(account.principal, session)
    return Response(status_code=204)
