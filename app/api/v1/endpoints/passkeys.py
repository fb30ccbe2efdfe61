"""One's own passkeys."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Account, IfMatch, Process, checked_spare_key, refuse_match
from app.api.gate import RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import check_match, plain, secret
from app.api.v1 import problems
from app.models.passkeys import Passkey
from app.schemas.base import Id
from app.schemas.passkeys import (
    PasskeyCreate,
    PasskeyCreatedRead,
    PasskeyOptionsRead,
    PasskeyPatch,
    PasskeyRead,
)
from app.services.bootstrap import Services

router = APIRouter(prefix="/me/passkeys", tags=["factors"], route_class=StrictRoute)
LOGIN = [Depends(RequiresAccount())]
RECENT_LOGIN = [Depends(RequiresAccount(recent=True))]
NEW = [*RECENT_LOGIN, Depends(checked_spare_key), Depends(refuse_match)]


def _shown(passkey: Passkey) -> dict[str, Any]:
    return PasskeyRead.model_validate(passkey, from_attributes=True).model_dump()


async def _check_match(services: Services, user_id: str, passkey: str, if_match: str | None) -> None:
    if if_match is not None:
        check_match(if_match, _shown(await services.passkeys.get(user_id, passkey)))


@router.post("/options", response_model=PasskeyOptionsRead, responses=problems.FACTOR_WRITE, dependencies=NEW)
async def create_passkey_options(services: Process, account: Account) -> Response:
    """What a browser needs to make a passkey."""
    return secret({"public_key": await services.passkeys.creation_options(account.principal)})


@router.post(
    "",
    status_code=201,
    response_model=PasskeyCreatedRead,
    responses=problems.FACTOR_WRITE,
    dependencies=NEW,
)
async def create_passkey(
    services: Process, account: Account, request: Request, body: PasskeyCreate
) -> Response:
    """Register a passkey that the browser has made; an account's first factor brings recovery codes."""
    passkey, codes = await services.factors.add_passkey(account.principal, body)
    location = {"location": f"{request.url.path}/{passkey.id}"}
    return secret({**_shown(passkey), "recovery_codes": codes}, 201, location)


@router.get("/{passkey}", response_model=PasskeyRead, responses=problems.PASSKEY_READ, dependencies=LOGIN)
async def get_passkey(services: Process, account: Account, request: Request, passkey: Id) -> Response:
    """One passkey."""
    return plain(request, _shown(await services.passkeys.get(account.principal.user_id, passkey)))


@router.patch("/{passkey}", response_model=PasskeyRead, responses=problems.FACTOR_UPDATE, dependencies=LOGIN)
async def update_passkey(
    services: Process,
    account: Account,
    request: Request,
    passkey: Id,
    body: PasskeyPatch,
    if_match: IfMatch = None,
) -> Response:
    """Call a passkey something else."""
    user_id = account.principal.user_id
    await _check_match(services, user_id, passkey, if_match)
    changes = body.model_dump(exclude_unset=True)
    return plain(request, _shown(await services.passkeys.rename(user_id, passkey, changes)))


@router.delete("/{passkey}", status_code=204, responses=problems.FACTOR_WRITE, dependencies=RECENT_LOGIN)
async def delete_passkey(
    services: Process, account: Account, passkey: Id, if_match: IfMatch = None
) -> Response:
    """Let a passkey count no more. All other logins end."""
    await _check_match(services, account.principal.user_id, passkey, if_match)
    await services.factors.remove_passkey(account.principal, passkey)
    return Response(status_code=204)
