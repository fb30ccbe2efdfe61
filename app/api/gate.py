"""Who may pass: every route names `Requires`, `RequiresAccount` or `Public`."""

from typing import Annotated, Any

from fastapi import Depends, Path, Request
from fastapi.security import OAuth2PasswordBearer

from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.services.access import Permission
from app.services.access.rules import is_recent
from app.services.bootstrap import Services

oauth2 = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)


async def one_token(request: Request, token: Annotated[str | None, Depends(oauth2)]) -> str | None:
    """Raises `both_credentials` for several: which one counts is not ours to guess."""
    if len(request.headers.getlist("authorization")) > 1:
        raise PastisError(ErrorCode.BOTH_CREDENTIALS)
    return token


Token = Annotated[str | None, Depends(one_token)]
MAX_REF = 60
# Its bounds are only described: a dependency whose parameters FastAPI refuses is not run, those that stand
# on its scope are, and they would find none.
WorkspacePath = Annotated[
    str, Path(description="Its id or slug.", json_schema_extra={"minLength": 1, "maxLength": MAX_REF})
]


def services_of(request: Request) -> Services:
    """The process's engines; raises `database_unavailable` until the database has been made ready."""
    services: Services = request.app.state.services
    if not services.ready:
        raise PastisError(ErrorCode.DATABASE_UNAVAILABLE)
    return services


class Requires:
    """Declares a route's permission, and makes the scope of whoever asks."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, workspace: WorkspacePath, token: Token) -> None:
        if token is None:
            raise PastisError(ErrorCode.AUTHENTICATION_REQUIRED)
        if len(workspace) > MAX_REF:
            raise invalid("/path/workspace", FieldCode.TOO_LONG, limit=MAX_REF)
        scope = await services_of(request).access.enter(token, workspace, source_of(request))
        request.state.log.update(actor=scope.grant.principal.user_id, workspace=scope.workspace_id)
        scope.demand(self.permission)
        request.state.scope = scope


class RequiresAccount:
    """Declares that a route is for anybody who is logged in, about themselves.

    `recent` is for what is sensitive: one must have proven who one is within the last minutes.
    """

    def __init__(self, *, recent: bool = False) -> None:
        self.recent = recent

    async def __call__(self, request: Request, token: Token) -> None:
        if token is None:
            raise PastisError(ErrorCode.AUTHENTICATION_REQUIRED)
        services = services_of(request)
        account = await services.access.account(token, source_of(request))
        request.state.log["actor"] = account.principal.user_id
        if self.recent and not is_recent(account.principal.authenticated_at, services.clock.now()):
            raise PastisError(ErrorCode.REAUTHENTICATION_REQUIRED)
        request.state.account = account


class Public:
    """Declares that a route needs no login, and why."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def __call__(self) -> None:
        return None


def source_of(request: Request) -> dict[str, Any]:
    """How the log names what a change came through."""
    client = request.headers.get("user-agent")
    return {
        "channel": "http",
        "client": None if client is None else client[:200],
        "request_id": request.state.request_id,
    }
