"""The audit log: a workspace's for its admins, and everybody's own."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.deps import Account, Process, ReadScope
from app.api.gate import Requires, RequiresAccount
from app.api.requests import StrictRoute
from app.api.responses import listed
from app.api.v1 import problems
from app.schemas.audit import (
    AuditEntryRead,
    AuditExportQuery,
    AuditFormat,
    AuditListQuery,
    WorkspaceAuditListQuery,
)
from app.schemas.pagination import Page
from app.services.access import Permission

router = APIRouter(prefix="/workspaces/{workspace}/audit", tags=["audit"], route_class=StrictRoute)
mine = APIRouter(prefix="/me/audit", tags=["audit"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.AUDIT_READ))]
MEDIA_TYPES = {AuditFormat.CSV: "text/csv; charset=utf-8", AuditFormat.NDJSON: "application/x-ndjson"}
EXPORTED: dict[int | str, dict[str, Any]] = {200: {"content": {"application/x-ndjson": {}, "text/csv": {}}}}


@router.get("", response_model=Page[AuditEntryRead], responses=problems.READ, dependencies=READ)
async def list_audit_entries(
    services: Process, scope: ReadScope, request: Request, query: Annotated[WorkspaceAuditListQuery, Query()]
) -> Response:
    """What concerned the security of a workspace and of its members' accounts, the latest first."""
    return listed(request, await services.audit.of_workspace(scope, query))


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=problems.EXPORT | EXPORTED,
    dependencies=READ,
)
async def export_audit_entries(
    services: Process, scope: ReadScope, query: Annotated[AuditExportQuery, Query()]
) -> Response:
    """All of it as a file, the oldest first. The export is an entry itself."""
    lines = await services.audit.export(scope, query)
    name = f'attachment; filename="audit.{query.format}"'
    headers = {"content-disposition": name}
    return StreamingResponse(lines, media_type=MEDIA_TYPES[query.format], headers=headers)


@mine.get(
    "",
    response_model=Page[AuditEntryRead],
    responses=problems.ACCOUNT_LIST,
    dependencies=[Depends(RequiresAccount())],
)
async def list_my_audit_entries(
    services: Process, account: Account, request: Request, query: Annotated[AuditListQuery, Query()]
) -> Response:
    """What concerned the security of one's own account, the latest first."""
    return listed(request, await services.audit.of_account(account.principal.user_id, query))
