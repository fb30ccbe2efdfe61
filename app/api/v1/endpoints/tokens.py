"""API tokens: one's own, and those of service accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.api.deps import Account, IfMatch, Process, ReadScope, checked_spare_key, refuse_match
from app.api.gate import Requires, RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import check_match, plain, secret
from app.api.v1 import problems
from app.models.tokens import ApiToken
from app.schemas.base import Id
from app.schemas.tokens import TokenCreate, TokenCreatedRead, TokenList, TokenRead
from app.services.access import Permission
from app.services.bootstrap import Services
from app.services.tokens import NewToken, Owner, of_account, of_service

mine = APIRouter(prefix="/me/tokens", tags=["tokens"], route_class=StrictRoute)
router = APIRouter(
    prefix="/workspaces/{workspace}/memberships/{membership}/tokens",
    tags=["tokens"],
    route_class=StrictRoute,
)
NEW = [Depends(checked_spare_key), Depends(refuse_match)]
LOGIN = [Depends(RequiresAccount())]
READ = [Depends(Requires(Permission.TOKEN_READ))]


async def _me(account: Account) -> Owner:
    return of_account(account.principal)


async def _service(scope: ReadScope, membership: Id) -> Owner:
    return await of_service(scope, membership)


Me = Annotated[Owner, Depends(_me)]
Service = Annotated[Owner, Depends(_service)]


@mine.post(
    "",
    status_code=201,
    response_model=TokenCreatedRead,
    responses=problems.TOKEN_WRITE,
    dependencies=[Depends(RequiresAccount(recent=True)), *NEW],
)
async def create_my_token(services: Process, owner: Me, request: Request, body: TokenCreate) -> Response:
    """Make an API token; it can do what both you and its scopes may. Its secret is shown only now."""
    return _created(request, await services.tokens.create(owner, body))


@mine.get("", response_model=TokenList, responses=problems.ACCOUNT_READ, dependencies=LOGIN)
async def list_my_tokens(services: Process, owner: Me, request: Request) -> Response:
    """One's living API tokens, the newest first."""
    return _listed(request, await services.tokens.list_of(owner))


@mine.get("/{token}", response_model=TokenRead, responses=problems.SESSION_READ, dependencies=LOGIN)
async def get_my_token(services: Process, owner: Me, request: Request, token: Id) -> Response:
    """One API token."""
    return plain(request, _shown(await services.tokens.get(owner, token)))


@mine.delete("/{token}", status_code=204, responses=problems.SESSION_DELETE, dependencies=LOGIN)
async def delete_my_token(services: Process, owner: Me, token: Id, if_match: IfMatch = None) -> Response:
    """End an API token; it stops working."""
    return await _delete(services, owner, token, if_match)


@router.post(
    "",
    status_code=201,
    response_model=TokenCreatedRead,
    responses=problems.SERVICE_TOKEN_WRITE,
    dependencies=[Depends(Requires(Permission.TOKEN_CREATE, recent=True)), *NEW],
)
async def create_service_token(
    services: Process, owner: Service, request: Request, body: TokenCreate
) -> Response:
    """Make a token for a service account. Its secret is shown only now."""
    return _created(request, await services.tokens.create(owner, body))


@router.get("", response_model=TokenList, responses=problems.MEMBER_READ, dependencies=READ)
async def list_service_tokens(services: Process, owner: Service, request: Request) -> Response:
    """The living tokens of a service account, the newest first."""
    return _listed(request, await services.tokens.list_of(owner))


@router.get("/{token}", response_model=TokenRead, responses=problems.MEMBER_READ, dependencies=READ)
async def get_service_token(services: Process, owner: Service, request: Request, token: Id) -> Response:
    """One token of a service account."""
    return plain(request, _shown(await services.tokens.get(owner, token)))


@router.delete(
    "/{token}",
    status_code=204,
    responses=problems.SERVICE_TOKEN_DELETE,
    dependencies=[Depends(Requires(Permission.TOKEN_DELETE))],
)
async def delete_service_token(
    services: Process, owner: Service, token: Id, if_match: IfMatch = None
) -> Response:
    """End a token of a service account; it stops working."""
    return await _delete(services, owner, token, if_match)


def _shown(token: ApiToken) -> dict[str, Any]:
    return TokenRead.model_validate(token, from_attributes=True).model_dump()


def _created(request: Request, made: NewToken) -> Response:
    location = {"location": f"{request.url.path}/{made.token.id}"}
    return secret({**_shown(made.token), "token": made.secret}, 201, location)


def _listed(request: Request, tokens: list[ApiToken]) -> Response:
    return plain(request, {"items": [_shown(token) for token in tokens]})


async def _delete(services: Services, owner: Owner, token: str, if_match: str | None) -> Response:
    if if_match is not None:
        check_match(if_match, _shown(await services.tokens.get(owner, token)))
    await services.tokens.delete(owner, token)
    return Response(status_code=204)
