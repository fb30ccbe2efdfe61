"""Logging in, staying logged in, logging out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response

from app.api.deps import Account, CallerOf, Process, checked_spare_key, refuse_match
from app.api.gate import Public, RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import secret
from app.api.session import Caller
from app.api.v1 import problems
from app.core.errors import ErrorCode, PastisError
from app.schemas.auth import LoginCreate, RefreshCreate, TokensRead
from app.schemas.base import OMITTED
from app.schemas.factors import LoginConfirm, ReauthenticationCreate
from app.schemas.passkeys import PasskeyLoginCreate, PasskeyOptionsRead
from app.services.sessions import Tokens

router = APIRouter(prefix="/auth", tags=["auth"], route_class=StrictRoute)
HEADERS = [Depends(checked_spare_key), Depends(refuse_match)]
PUBLIC = [Depends(Public("this is how one gets a login")), *HEADERS]


def handed_out(caller: Caller, tokens: Tokens, *, cookies: bool) -> Response:
    """The answer of whatever opens or renews a login: the tokens in the body, or as cookies."""
    body = TokensRead(
        access_token=None if cookies else tokens.access_token,
        refresh_token=None if cookies else tokens.refresh_token,
        token_type="cookie" if cookies else "bearer",
        expires_in=tokens.expires_in,
        device_token=None if cookies else tokens.device_token,
    )
    response = secret(body.model_dump(exclude={"device_token"} if body.device_token is None else None))
    if cookies:
        caller.cookies.set(response, tokens)
    return response


def device_of(caller: Caller) -> dict[str, str]:
    """What a new login keeps of where it came from."""
    return {"client": caller.client or "unknown", "address": caller.address}


@router.post("/login", response_model=TokensRead, responses=problems.OPEN, dependencies=PUBLIC)
async def create_login(services: Process, caller: CallerOf, body: LoginCreate) -> Response:
    """Log in with e-mail address and password."""
    if body.cookies:
        caller.refuse_other_sites()
    tokens = await services.auth.login(
        body.email,
        body.password,
        remember_me=body.remember_me,
        device_token=body.device_token,
        **device_of(caller),
    )
    return handed_out(caller, tokens, cookies=body.cookies)


@router.post("/login/factor", response_model=TokensRead, responses=problems.CONFIRM, dependencies=PUBLIC)
async def confirm_login(services: Process, caller: CallerOf, body: LoginConfirm) -> Response:
    """Answer `factor_required`: a second factor opens the login."""
    if body.cookies:
        caller.refuse_other_sites()
    tokens = await services.auth.confirm(
        body.challenge, body, device_token=body.device_token, **device_of(caller)
    )
    return handed_out(caller, tokens, cookies=body.cookies)


@router.post(
    "/passkeys/options",
    response_model=PasskeyOptionsRead,
    responses=problems.PASSKEY_OPTIONS,
    dependencies=PUBLIC,
)
async def create_passkey_request(services: Process) -> Response:
    """What a browser needs to ask for a passkey: to log in, or as a second factor."""
    return secret({"public_key": await services.passkeys.request_options()})


@router.post("/passkeys", response_model=TokensRead, responses=problems.PASSKEY_LOGIN, dependencies=PUBLIC)
async def create_passkey_login(services: Process, caller: CallerOf, body: PasskeyLoginCreate) -> Response:
    """Log in with a passkey alone."""
    if body.cookies:
        caller.refuse_other_sites()
    tokens = await services.auth.login_with_passkey(
        body.credential, remember_me=body.remember_me, **device_of(caller)
    )
    return handed_out(caller, tokens, cookies=body.cookies)


@router.post("/token", response_model=TokensRead, responses=problems.OPEN, dependencies=PUBLIC)
async def create_token(
    services: Process,
    caller: CallerOf,
    username: Annotated[str, Form(max_length=254)],
    password: Annotated[str, Form(max_length=128)],
    # Checked, and of no use to this grant. FastAPI makes a model of them, whose names begin with a letter.
    grant_type: Annotated[str, Form(pattern="^password$")] = "password",  # noqa: ARG001
    scope: Annotated[str, Form(max_length=200)] = "",  # noqa: ARG001
    client_id: Annotated[str | None, Form(max_length=200)] = None,  # noqa: ARG001
    client_secret: Annotated[str | None, Form(max_length=200)] = None,  # noqa: ARG001
) -> Response:
    """The same login as an OAuth 2 password grant, for the Authorize button of /docs."""
    tokens = await services.auth.login(username, password, remember_me=False, **device_of(caller))
    return handed_out(caller, tokens, cookies=False)


@router.post("/refresh", response_model=TokensRead, responses=problems.REFRESH, dependencies=PUBLIC)
async def refresh_login(services: Process, caller: CallerOf, body: RefreshCreate) -> Response:
    """New tokens for a refresh token; asked again within a minute, as after a lost answer, the same ones."""
    token = caller.refresh_token(body.refresh_token)
    tokens = await services.auth.refresh(token, address=caller.address)
    return handed_out(caller, tokens, cookies=body.refresh_token is OMITTED)


@router.post(
    "/logout",
    status_code=204,
    responses=problems.LOGOUT,
    dependencies=[Depends(Public("a login whose access token has expired can be ended too")), *HEADERS],
)
async def delete_login(services: Process, caller: CallerOf) -> Response:
    """End this login; its tokens stop working at once. Any of them will do, also one that has expired."""
    tokens, from_cookies = caller.login_tokens()
    if not await services.auth.logout(tokens) and not from_cookies:
        await caller.account()  # says why it is none
        raise PastisError(ErrorCode.LOGIN_REQUIRED)
    response = Response(status_code=204)
    caller.cookies.clear(response)
    return response


@router.post(
    "/reauthenticate",
    status_code=204,
    responses=problems.REAUTHENTICATE,
    dependencies=[Depends(RequiresAccount()), *HEADERS],
)
async def create_reauthentication(
    services: Process, account: Account, body: ReauthenticationCreate
) -> Response:
    """Prove again who one is, for what is sensitive; with a second factor if one has any."""
    await services.auth.reauthenticate(account.principal, body)
    return Response(status_code=204)
