"""Imports: archives of other systems, uploaded and then brought in beside the requests."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from app.api.deps import CheckedKey, Imports, Paging, Process, refuse_match
from app.api.gate import Requires
from app.api.requests import StrictRoute
from app.api.responses import accepted, listed, plain
from app.api.uploads import read_upload
from app.api.v1 import problems
from app.models.imports import ImportSource
from app.schemas.base import Id
from app.schemas.imports import ImportForm, ImportRead, form_body
from app.schemas.pagination import Page
from app.services.access import Permission
from app.services.imports import ImportOptions

router = APIRouter(prefix="/workspaces/{workspace}/imports", tags=["imports"], route_class=StrictRoute)
ImportId = Annotated[Id, Path(alias="import")]
READ = [Depends(Requires(Permission.IMPORT_READ))]


@router.post(
    "",
    status_code=202,
    response_model=ImportRead,
    responses=problems.UPLOAD,
    openapi_extra={"requestBody": form_body()},
    dependencies=[Depends(Requires(Permission.IMPORT_CREATE)), Depends(refuse_match)],
)
async def create_import(imports: Imports, process: Process, request: Request, key: CheckedKey) -> Response:
    """Upload an archive and have it imported. The answer says where its progress can be read.

    The same file can be imported again at any time: what is here already is left alone.
    """
    limit = process.settings.max_import_bytes
    upload = await read_upload(request, ImportForm, limit=limit)
    form = upload.form
    options = ImportOptions(upload.filename, ImportSource(form.source), form.strict, form.dry_run)
    run = await process.imports.submit(
        imports, options, upload.file, limit=limit, key=key, fingerprint=upload.digest
    )
    return accepted(request, run)


@router.get("", response_model=Page[ImportRead], responses=problems.READ, dependencies=READ)
async def list_imports(imports: Imports, request: Request, page: Paging) -> Response:
    """The imports of a workspace, the latest first."""
    return listed(request, await imports.page(page))


@router.get("/{import}", response_model=ImportRead, responses=problems.READ, dependencies=READ)  # noqa: FAST003 - a keyword cannot be a name
async def get_import(imports: Imports, request: Request, run: ImportId) -> Response:
    """How an import is going, or went."""
    return plain(request, await imports.get(run))
