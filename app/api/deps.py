"""Annotated dependencies: what endpoints ask for by type."""

import hashlib
import re
import sys
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Path, Query, Request
from starlette.requests import HTTPConnection

from app.api.gate import services_of, the_caller, the_process
from app.api.responses import strong_tags
from app.api.session import MAX_REF, Caller
from app.core.errors import ErrorCode, PastisError
from app.core.messages import pick_language
from app.core.unit_of_work import Context
from app.schemas.base import WHOLE
from app.schemas.pagination import CURSOR, LIMIT
from app.services.access import AccountScope, PageRequest, Scope
from app.services.activity import ActivityEngine
from app.services.bootstrap import Services
from app.services.comments import CommentEngine
from app.services.grants import GrantEngine
from app.services.imports import ImportEngine
from app.services.invitations import InvitationEngine
from app.services.labels import LabelEngine
from app.services.memberships import MembershipEngine
from app.services.projects import ProjectEngine
from app.services.roles import RoleEngine
from app.services.statuses import StatusEngine
from app.services.tasks import TaskEngine
from app.services.teams import TeamEngine
from app.services.workspaces import WorkspaceEngine

T = TypeVar("T")

RefPath = Annotated[str, Path(min_length=1, max_length=MAX_REF, description="Its id or key.")]
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def read_scope(connection: HTTPConnection) -> Scope:
    scope: Scope = connection.state.scope
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


async def language_of(request: Request) -> str:
    """What the client likes best to read."""
    return pick_language(request.headers.get("accept-language"))


async def checked_spare_key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(description="Checked, and of no effect: the answer, which may hold secrets, is not kept."),
    ] = None,
) -> None:
    """For what is about accounts and secrets, whose answers are not kept."""
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
    limit: Annotated[int, Query(ge=1, le=200, description=LIMIT), WHOLE] = 50,
    cursor: Annotated[str | None, Query(max_length=1024, description=CURSOR)] = None,
    count: Annotated[bool, Query(description="Also count all that match.")] = False,
) -> PageRequest:
    return PageRequest(limit, cursor, count)


def _served(scope_of: Callable[..., Any], make: Callable[[Scope, Services], T]) -> Any:
    async def provide(request: Request, scope: Annotated[Scope, Depends(scope_of)]) -> T:
        return make(scope, services_of(request))

    return Depends(provide)


def _reader(make: Callable[[Scope], T]) -> Any:
    return _served(read_scope, lambda scope, _: make(scope))


def _writer(make: Callable[[Scope], T]) -> Any:
    return _served(write_scope, lambda scope, _: make(scope))


def _invitations(scope: Scope, services: Services) -> InvitationEngine:
    return InvitationEngine(scope, services.issues)


def _memberships(scope: Scope, services: Services) -> MembershipEngine:
    return MembershipEngine(scope, services.users)


Account = Annotated[AccountScope, Depends(read_account)]
AccountWriter = Annotated[AccountScope, Depends(write_account)]
Activity = Annotated[ActivityEngine, _reader(ActivityEngine)]
ActivityWriter = Annotated[ActivityEngine, _writer(ActivityEngine)]
CallerOf = Annotated[Caller, Depends(the_caller)]
CheckedKey = Annotated[str | None, Depends(checked_key)]
Comments = Annotated[CommentEngine, _reader(CommentEngine)]
CommentWriter = Annotated[CommentEngine, _writer(CommentEngine)]
Grants = Annotated[GrantEngine, _reader(GrantEngine)]
GrantWriter = Annotated[GrantEngine, _writer(GrantEngine)]
Imports = Annotated[ImportEngine, _reader(ImportEngine)]
Invitations = Annotated[InvitationEngine, _served(read_scope, _invitations)]
InvitationWriter = Annotated[InvitationEngine, _served(write_scope, _invitations)]
Language = Annotated[str, Depends(language_of)]
Labels = Annotated[LabelEngine, _reader(LabelEngine)]
LabelWriter = Annotated[LabelEngine, _writer(LabelEngine)]
Memberships = Annotated[MembershipEngine, _served(read_scope, _memberships)]
MembershipWriter = Annotated[MembershipEngine, _served(write_scope, _memberships)]
Paging = Annotated[PageRequest, Depends(page_request)]
Process = Annotated[Services, Depends(the_process)]
Projects = Annotated[ProjectEngine, _reader(ProjectEngine)]
ProjectWriter = Annotated[ProjectEngine, _writer(ProjectEngine)]
ReadScope = Annotated[Scope, Depends(read_scope)]
Roles = Annotated[RoleEngine, _reader(RoleEngine)]
RoleWriter = Annotated[RoleEngine, _writer(RoleEngine)]
Statuses = Annotated[StatusEngine, _reader(StatusEngine)]
StatusWriter = Annotated[StatusEngine, _writer(StatusEngine)]
Tasks = Annotated[TaskEngine, _reader(TaskEngine)]
TaskWriter = Annotated[TaskEngine, _writer(TaskEngine)]
Teams = Annotated[TeamEngine, _reader(TeamEngine)]
TeamWriter = Annotated[TeamEngine, _writer(TeamEngine)]
WriteScope = Annotated[Scope, Depends(write_scope)]
Workspace = Annotated[WorkspaceEngine, _reader(WorkspaceEngine)]
WorkspaceWriter = Annotated[WorkspaceEngine, _writer(WorkspaceEngine)]
