"""Single sign-on: log in with a provider, and link identities to one's account."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from app.api.deps import Account, CallerOf, Process, checked_spare_key, refuse_match
from app.api.gate import Public, RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import JSON, plain
from app.api.v1 import problems
from app.api.v1.endpoints.auth import device_of, handed_out
from app.core.documents import dump
from app.models.identities import Identity
from app.schemas.auth import TokensRead
from app.schemas.base import Id
from app.schemas.identities import (
    IdentitiesRead,
    IdentityRead,
    IdentityStart,
    OidcFinish,
    OidcLoginFinish,
    OidcLoginStart,
    OidcProvidersRead,
    OidcStarted,
)
from app.services.identities import LIFETIME, Returned, Started

router = APIRouter(tags=["identities"], route_class=StrictRoute)
HEADERS = [Depends(checked_spare_key), Depends(refuse_match)]
PUBLIC = [Depends(Public("this is how one gets a login")), *HEADERS]
RECENT = [Depends(RequiresAccount(recent=True)), *HEADERS]
ProviderPath = Annotated[str, Path(min_length=1, max_length=60, description="The provider's id.")]


def _started(started: Started) -> Response:
    seconds = int(LIFETIME.total_seconds())
    body = OidcStarted(
        authorization_url=started.authorization_url, browser_token=started.browser_token, expires_in=seconds
    )
    return Response(dump(body.model_dump()), media_type=JSON, headers={"cache-control": "no-store"})


def _shown(identity: Identity) -> dict[str, Any]:
    return {name: getattr(identity, name) for name in IdentityRead.model_fields}


@router.get(
    "/auth/oidc",
    response_model=OidcProvidersRead,
    responses=problems.OPEN_READ,
    dependencies=[Depends(Public("one has no login yet where one chooses how to log in"))],
)
async def list_oidc_providers(services: Process, request: Request) -> Response:
    """The providers that one can log in with."""
    shown = [
        {"id": one.id, "name": one.name, "start": f"{request.url.path}/{one.id}/start"}
        for one in services.identities.providers()
    ]
    return plain(request, {"items": shown})


@router.post(
    "/auth/oidc/{provider}/start",
    response_model=OidcStarted,
    responses=problems.OIDC_START,
    dependencies=PUBLIC,
)
async def start_oidc_login(services: Process, provider: ProviderPath, body: OidcLoginStart) -> Response:
    """Begin to log in: where to send the person, and a secret that only this browser keeps."""
    return _started(
        await services.identities.start(provider, body.redirect_uri, remember_me=body.remember_me)
    )


@router.post(
    "/auth/oidc/{provider}/finish",
    response_model=TokensRead,
    responses=problems.OIDC_FINISH,
    dependencies=PUBLIC,
)
async def finish_oidc_login(
    services: Process, caller: CallerOf, provider: ProviderPath, body: OidcLoginFinish
) -> Response:
    """Log in with what the provider sent back."""
    if body.cookies:
        caller.refuse_other_sites()
    returned = Returned(**body.model_dump(exclude={"cookies"}))
    tokens = await services.identities.finish(provider, returned, **device_of(caller))
    return handed_out(caller, tokens, cookies=body.cookies)


@router.get(
    "/me/identities",
    response_model=IdentitiesRead,
    responses=problems.ACCOUNT_READ,
    dependencies=[Depends(RequiresAccount())],
)
async def list_identities(services: Process, account: Account, request: Request) -> Response:
    """What one can log in with besides a password."""
    mine = await services.identities.of_user(account.principal.user_id)
    return plain(request, {"items": [_shown(one) for one in mine]})


@router.post(
    "/me/identities/{provider}/start",
    response_model=OidcStarted,
    responses=problems.IDENTITY_START,
    dependencies=RECENT,
)
async def start_identity(
    services: Process, account: Account, provider: ProviderPath, body: IdentityStart
) -> Response:
    """Begin to link an identity to one's account."""
    user_id = account.principal.user_id
    return _started(
        await services.identities.start(provider, body.redirect_uri, remember_me=False, user_id=user_id)
    )


@router.post(
    "/me/identities/{provider}/finish",
    response_model=IdentityRead,
    responses=problems.IDENTITY_FINISH,
    dependencies=RECENT,
)
async def finish_identity(
    services: Process, account: Account, provider: ProviderPath, body: OidcFinish
) -> Response:
    """Link the identity that the provider proves to one's account."""
    returned = Returned(**body.model_dump())
    identity = await services.identities.link(provider, returned, account.principal.user_id)
    return Response(dump(_shown(identity)), media_type=JSON)


@router.delete(
    "/me/identities/{identity}", status_code=204, responses=problems.IDENTITY_DELETE, dependencies=RECENT
)
async def delete_identity(services: Process, account: Account, identity: Id) -> Response:
    """Unlink an identity; what its groups gave ends with it."""
    await services.identities.remove(account.principal.user_id, identity)
    return Response(status_code=204)
