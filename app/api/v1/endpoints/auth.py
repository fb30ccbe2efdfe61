"""Logging in, staying logged in, logging out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from app.api.deps import Account, Process, checked_spare_key, refuse_match
from app.api.gate import Public, RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import JSON, dump
from app.api.v1 import problems
from app.schemas.auth import LoginCreate, RefreshCreate, TokensRead
from app.services.sessions import Tokens

router = APIRouter(prefix="/auth", tags=["auth"], route_class=StrictRoute)
HEADERS = [Depends(checked_spare_key), Depends(refuse_match)]
PUBLIC = [Depends(Public("this is how one gets a login")), *HEADERS]


def answer_tokens(tokens: Tokens) -> Response:
    body = TokensRead(
        access_token=tokens.access_token, refresh_token=tokens.refresh_token, expires_in=tokens.expires_in
    )
    return Response(dump(body.model_dump()), media_type=JSON, headers={"cache-control": "no-store"})


def client_of(request: Request) -> str:
    return request.headers.get("user-agent", "unknown")


@router.post("/login", response_model=TokensRead, responses=problems.OPEN, dependencies=PUBLIC)
async def create_login(services: Process, request: Request, body: LoginCreate) -> Response:
    """Log in with e-mail address and password."""
    return answer_tokens(
        await services.auth.login(
            body.email, body.password, remember_me=body.remember_me, client=client_of(request)
        )
    )


@router.post("/token", response_model=TokensRead, responses=problems.OPEN, dependencies=PUBLIC)
async def create_token(
    services: Process,
    request: Request,
    username: Annotated[str, Form(max_length=254)],
    password: Annotated[str, Form(max_length=128)],
    # Checked, and of no use to this grant. FastAPI makes a model of them, whose names begin with a letter.
    grant_type: Annotated[str, Form(pattern="^password$")] = "password",  # noqa: ARG001
    scope: Annotated[str, Form(max_length=200)] = "",  # noqa: ARG001
    client_id: Annotated[str | None, Form(max_length=200)] = None,  # noqa: ARG001
    client_secret: Annotated[str | None, Form(max_length=200)] = None,  # noqa: ARG001
) -> Response:
    """The same login as an OAuth 2 password grant, for the Authorize button of /docs."""
    return answer_tokens(
        await services.auth.login(username, password, remember_me=False, client=client_of(request))
    )


@router.post("/refresh", response_model=TokensRead, responses=problems.OPEN, dependencies=PUBLIC)
async def refresh_login(services: Process, body: RefreshCreate) -> Response:
    """New tokens for a refresh token; asked again within a minute, as after a lost answer, the same ones."""
    return answer_tokens(await services.auth.refresh(body.refresh_token))


@router.post(
    "/logout",
    status_code=204,
    responses=problems.LOGOUT,
    dependencies=[Depends(RequiresAccount()), *HEADERS],
)
async def delete_login(services: Process, account: Account) -> Response:
    """End this login; its tokens stop working at once."""
    await services.auth.logout(account.principal.session_id)
    return Response(status_code=204)
