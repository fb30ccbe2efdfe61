"""The two hottest reads, answered ahead of the framework, which takes several times as long for them.

It runs the same engine verbs behind the same permission as the routes of the same paths, and only ever
answers what went well: whatever is unusual or must be refused is handed on to the route, which does it all
again. So it can be left out without a difference; a test compares both.
"""

from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.deps import source_of
from app.api.responses import found, listed
from app.core.errors import PastisError
from app.schemas.tasks import TaskListQuery
from app.services.access import Permission
from app.services.access import Scope as AccessScope
from app.services.bootstrap import Services
from app.services.tasks import TaskEngine

LIST = "/api/v1/workspaces/{workspace}/tasks"
ONE = "/api/v1/workspaces/{workspace}/tasks/{task}"
_MAX_REF = 60
_MAX_PAIRS = 30


class FastLane:
    """Wraps the application; `app.state.services` holds the engines once the lifespan has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await _answer(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (response or self._app)(scope, receive, send)


async def _answer(scope: Scope) -> Response | None:
    refs = _refs(scope["path"])
    services: Services = scope["app"].state.services
    if refs is None or not services.ready:
        return None
    request = Request(scope)
    token = _token(request)
    if token is None:
        return None
    workspace, task = refs
    try:
        access = await services.access.enter(token, workspace, source_of(request))
        access.demand(Permission.TASK_READ)
        response = await (_list(request, access) if task is None else _one(request, access, task))
    except (PastisError, ValidationError):
        return None
    log = scope["state"]["log"]
    log.update(actor=access.grant.principal.user_id, workspace=access.workspace_id)
    scope["state"]["route"] = LIST if task is None else ONE
    return response


async def _one(request: Request, access: AccessScope, task: str) -> Response | None:
    if request.scope["query_string"]:
        return None
    return found(request, await TaskEngine(access).get(task))


async def _list(request: Request, access: AccessScope) -> Response | None:
    pairs = parse_qsl(
        request.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_PAIRS
    )
    given = dict(pairs)
    if len(given) != len(pairs):
        return None
    return listed(request, await TaskEngine(access).page(TaskListQuery.model_validate(given)))


def _refs(path: str) -> tuple[str, str | None] | None:
    """The workspace and, if it is one, the task that a path names; None for all other paths."""
    parts = path.split("/")
    if len(parts) not in (6, 7) or parts[:4] != ["", "api", "v1", "workspaces"] or parts[5] != "tasks":
        return None
    workspace, task = parts[4], parts[6] if len(parts) == 7 else None
    fits = 0 < len(workspace) <= _MAX_REF and (task is None or 0 < len(task) <= _MAX_REF)
    return (workspace, task) if fits else None


def _token(request: Request) -> str | None:
    headers = request.headers.getlist("authorization")
    return headers[0][7:] if len(headers) == 1 and headers[0].startswith("Bearer ") else None
