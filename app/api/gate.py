"""Who may pass: every route names `Requires`, `RequiresAccount` or `Public`."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request, WebSocket
from fastapi.security import OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from app.api.limits import count_request
from app.api.session import MAX_REF, Caller, services_in
from app.core.errors import ErrorCode, PastisError
from app.services.access import AccountPrincipal, Permission, Principal, PrincipalKind
from app.services.access.rules import is_recent
from app.services.bootstrap import Services


class _Described(OAuth2PasswordBearer):
    """Only tells the description of the API how to log in: the `Caller` reads the headers."""

    async def __call__(self) -> None:  # type: ignore[override] # it asks nothing of the request
        return None


Described = Depends(_Described("/api/v1/auth/token", "OAuth2PasswordBearer"))
# Its bounds are only described: a dependency whose parameters FastAPI refuses is not run, those that stand
# on its scope are, and they would find none.
WorkspacePath = Annotated[
    str, Path(description="Its id or slug.", json_schema_extra={"minLength": 1, "maxLength": MAX_REF})
]


TicketQuery = Annotated[
    str | None, Query(max_length=100, description="From `POST .../sync/tickets`, in the place of a header.")
]


def services_of(connection: HTTPConnection) -> Services:
    """The process's engines; raises `database_unavailable` until the database has been made ready."""
    return services_in(connection.scope)


def caller_of(request: Request) -> Caller:
    """Whoever sent the request, logged in or not."""
    caller: Caller = request.state.caller
    return caller


# As dependencies: FastAPI has what is no coroutine run by a thread, which takes longer than many requests.
async def the_process(connection: HTTPConnection) -> Services:
    return services_of(connection)


async def the_caller(request: Request) -> Caller:
    return caller_of(request)


class Requires:
    """Declares a route's permission, and makes the scope of whoever asks.

    `recent` is for what is sensitive: it takes a login, proven within the last minutes.
    """

    def __init__(self, permission: Permission, *, recent: bool = False) -> None:
        self.permission = permission
        self.recent = recent

    async def __call__(self, request: Request, workspace: WorkspacePath, _: None = Described) -> None:
        scope = await caller_of(request).enter(workspace)
        request.state.log.update(actor=scope.standing.actor_id, workspace=scope.workspace_id)
        scope.demand(self.permission)
        if self.recent:
            _check_recent(request, scope.standing.principal)
        request.state.scope = scope


class RequiresSocket(Requires):
    """The same for a socket, which a ticket may open."""

    async def __call__(  # type: ignore[override] # FastAPI tells sockets by this
        self, websocket: WebSocket, workspace: WorkspacePath, ticket: TicketQuery = None
    ) -> None:
        caller: Caller = websocket.state.caller
        scope = await caller.open_socket(workspace, ticket)
        websocket.state.log.update(actor=scope.standing.actor_id, workspace=scope.workspace_id)
        scope.demand(self.permission)
        websocket.state.scope = scope


class RequiresAccount:
    """Declares that a route is for anybody who is logged in, about themselves.

    It takes a login, unless `tokens` lets the account's API tokens in too. `recent` is for what is sensitive:
    one must have proven who one is within the last minutes.
    """

    def __init__(self, *, recent: bool = False, tokens: bool = False) -> None:
        self.recent = recent
        self.tokens = tokens

    async def __call__(self, request: Request, _: None = Described) -> None:
        account = await caller_of(request).account()
        principal = account.principal
        request.state.log["actor"] = principal.user_id
        if not self.tokens and principal.kind is not PrincipalKind.USER:
            raise PastisError(ErrorCode.LOGIN_REQUIRED)
        if self.recent:
            _check_recent(request, principal)
        request.state.account = account


def _check_recent(request: Request, principal: Principal) -> None:
    """Raises `login_required`, `reauthentication_required`."""
    if not isinstance(principal, AccountPrincipal) or principal.kind is not PrincipalKind.USER:
        raise PastisError(ErrorCode.LOGIN_REQUIRED)
    if not is_recent(principal.authenticated_at, services_of(request).clock.now()):
        raise PastisError(ErrorCode.REAUTHENTICATION_REQUIRED)


class Public:
    """Declares that a route needs no login, and why."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def __call__(self, request: Request) -> None:
        await count_request(request.scope, None)
