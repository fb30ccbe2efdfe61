"""Annotated dependencies: what endpoints ask for by type. Every route names `Requires` or `Public`."""

import hashlib
import re
import sys
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import OAuth2PasswordBearer

from app.api.responses import strong_tags
from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.core.unit_of_work import Context
from app.schemas.base import WHOLE
from app.services.access import AccountScope, PageRequest, Permission, Scope
from app.services.activity import ActivityEngine
from app.services.bootstrap import Services
from app.services.comments import CommentEngine
from app.services.imports import ImportEngine
from app.services.labels import LabelEngine
from app.services.memberships import MembershipEngine
from app.services.projects import ProjectEngine
from app.services.statuses import StatusEngine
from app.services.tasks import TaskEngine
from app.services.workspaces import WorkspaceEngine

T = TypeVar("T")

oauth2 = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)


async def one_token(request: Request, token: Annotated[str | None, Depends(oauth2)]) -> str | None:
    """Raises `both_credentials` for several: which one counts is not ours to guess."""
    if len(request.headers.getlist("authorization")) > 1:
        raise PastisError(ErrorCode.BOTH_CREDENTIALS)
    return token


Token = Annotated[str | None, Depends(one_token)]
MAX_REF = 60
RefPath = Annotated[str, Path(min_length=1, max_length=MAX_REF)]
# Its bounds are only described: a dependency whose parameters FastAPI refuses is not run, those that stand
# on its scope are, and they would find none.
WorkspacePath = Annotated[
    str, Path(description="Its id or slug.", json_schema_extra={"minLength": 1, "maxLength": MAX_REF})
]

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


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
    """Declares that a route is for anybody who is logged in, about themselves."""

    async def __call__(self, request: Request, token: Token) -> None:
        if token is None:
            raise PastisError(ErrorCode.AUTHENTICATION_REQUIRED)
        account = await services_of(request).access.account(token, source_of(request))
        request.state.log["actor"] = account.principal.user_id
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


async def read_scope(request: Request) -> Scope:
    scope: Scope = request.state.scope
    return scope


async def read_account(request: Request) -> AccountScope:
    account: AccountScope = request.state.account
    return account


IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Makes the request safe to send again: the same key gives the same answer, once done."
    ),
]
IfMatch = Annotated[
    str | None,
    Header(description="The ETag that the change is for; 412 with the present state if it has moved."),
]
NoMatch = Annotated[str | None, Header(alias="if-match", include_in_schema=False)]
DryRun = Annotated[bool, Query(description="Answer as if it were done, and do nothing.")]


async def write_scope(
    request: Request,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
    dry_run: DryRun = False,
) -> Scope:
    scope: Scope = request.state.scope
    context = await _write_context(request, scope.context, idempotency_key, dry_run=dry_run)
    return scope.with_write(context, _versions(if_match))


async def refuse_match(if_match: NoMatch = None) -> None:
    """For what makes something new: it has no state yet that If-Match could match (RFC 9110, 13.1.1)."""
    if if_match is not None:
        strong_tags(if_match)
        raise PastisError(ErrorCode.PRECONDITION_FAILED, header="If-Match")


async def write_account(
    request: Request, idempotency_key: IdempotencyKey = None, dry_run: DryRun = False
) -> AccountScope:
    account: AccountScope = request.state.account
    context = await _write_context(request, account.context, idempotency_key, dry_run=dry_run)
    return replace(account, context=context)


async def checked_key(request: Request, idempotency_key: IdempotencyKey = None) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if len(keys) > 1 or not all(_IDEMPOTENCY_KEY.fullmatch(key) for key in keys):
        raise PastisError(ErrorCode.INVALID_IDEMPOTENCY_KEY)
    return idempotency_key


async def checked_spare_key(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="Checked, and not needed: see the authentication guide.")
    ] = None,
) -> None:
    """For what hands out or ends logins, whose answers hold tokens and are not kept."""
    await checked_key(request, idempotency_key)


async def _write_context(request: Request, context: Context, key: str | None, *, dry_run: bool) -> Context:
    key = await checked_key(request, key)
    if key is None:
        return replace(context, dry_run=dry_run) if dry_run else context
    used_for = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    fingerprint = hashlib.sha256(used_for).hexdigest()
    return replace(context, idempotency_key=key, fingerprint=fingerprint, dry_run=dry_run)


def _versions(if_match: str | None) -> Container[int] | None:
    """The versions in If-Match, which are all for `*`; None for no header."""
    if if_match is None:
        return None
    tags = strong_tags(if_match)
    if tags is None:
        return range(sys.maxsize)
    # One that this server cannot have made never matches.
    return frozenset(int(text) for text in tags if text.isascii() and text.isdecimal() and len(text) < 19)


async def page_request(
    limit: Annotated[int, Query(ge=1, le=200), WHOLE] = 50,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
    count: Annotated[bool, Query(description="Also count all that match.")] = False,
) -> PageRequest:
    return PageRequest(limit, cursor, count)


def _reader(make: Callable[[Scope], T]) -> Any:
    async def provide(scope: Annotated[Scope, Depends(read_scope)]) -> T:
        return make(scope)

    return Depends(provide)


def _writer(make: Callable[[Scope], T]) -> Any:
    async def provide(scope: Annotated[Scope, Depends(write_scope)]) -> T:
        return make(scope)

    return Depends(provide)


async def memberships(request: Request, scope: Annotated[Scope, Depends(read_scope)]) -> MembershipEngine:
    return MembershipEngine(scope, services_of(request).users)


async def membership_writer(
    request: Request, scope: Annotated[Scope, Depends(write_scope)]
) -> MembershipEngine:
    return MembershipEngine(scope, services_of(request).users)


Account = Annotated[AccountScope, Depends(read_account)]
AccountWriter = Annotated[AccountScope, Depends(write_account)]
Activity = Annotated[ActivityEngine, _reader(ActivityEngine)]
ActivityWriter = Annotated[ActivityEngine, _writer(ActivityEngine)]
CheckedKey = Annotated[str | None, Depends(checked_key)]
Comments = Annotated[CommentEngine, _reader(CommentEngine)]
CommentWriter = Annotated[CommentEngine, _writer(CommentEngine)]
Imports = Annotated[ImportEngine, _reader(ImportEngine)]
Labels = Annotated[LabelEngine, _reader(LabelEngine)]
LabelWriter = Annotated[LabelEngine, _writer(LabelEngine)]
Memberships = Annotated[MembershipEngine, Depends(memberships)]
MembershipWriter = Annotated[MembershipEngine, Depends(membership_writer)]
Paging = Annotated[PageRequest, Depends(page_request)]
Process = Annotated[Services, Depends(services_of)]
Projects = Annotated[ProjectEngine, _reader(ProjectEngine)]
ProjectWriter = Annotated[ProjectEngine, _writer(ProjectEngine)]
ReadScope = Annotated[Scope, Depends(read_scope)]
Statuses = Annotated[StatusEngine, _reader(StatusEngine)]
StatusWriter = Annotated[StatusEngine, _writer(StatusEngine)]
Tasks = Annotated[TaskEngine, _reader(TaskEngine)]
TaskWriter = Annotated[TaskEngine, _writer(TaskEngine)]
Workspace = Annotated[WorkspaceEngine, _reader(WorkspaceEngine)]
WorkspaceWriter = Annotated[WorkspaceEngine, _writer(WorkspaceEngine)]
