"""The hottest calls, answered ahead of the framework, which takes several times as long for them.

They run the same engine verbs behind the same permissions as the routes of the same paths. Whatever is
unusual about a request (another login, a strange parameter, a value that does not fit, no permission) is
handed on to the route before anything is done, which then says what is wrong. So the lane can be left out
without a difference; a test compares both.

Streams are among them as all clients come back at once: after a restart, or when a network does. What the
process knows of a workspace that it follows says then who may follow it, too.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.deps import refuse_match, write_scope
from app.api.errors import answer
from app.api.requests import StrictRequest
from app.api.responses import changed, created, listed, sent_on
from app.api.session import Caller, services_in
from app.api.streams import is_for_stream, or_reset, streamed
from app.core.errors import PastisError
from app.schemas.tasks import TaskCreate, TaskListQuery, TaskPatch
from app.services.access import Permission
from app.services.access import Scope as AccessScope
from app.services.sync import Cursor, read_cursor
from app.services.tasks import TaskEngine
from app.utils.strict_json import InvalidJson

_ALL = "/api/v1/workspaces/{workspace}/tasks"
_ONE = "/api/v1/workspaces/{workspace}/tasks/{task}"
_SYNC = "/api/v1/workspaces/{workspace}/sync"
_PREFIX = ["", "api", "v1", "workspaces"]
_MAX_REF = 60
_MAX_PAIRS = 30
_KNOWN_QUERIES = 512


class _Unusual(Exception):  # noqa: N818 - it is no error
    """Not for the fast lane."""


@dataclass(frozen=True, slots=True)
class _Call:
    """What the lane does itself: which route it stands for, what that requires, and how it is answered."""

    route: str
    permission: Permission
    run: Callable[[StrictRequest, AccessScope, str], Awaitable[Response]]


async def _get(request: StrictRequest, access: AccessScope, task: str) -> Response:
    _no_query(request)
    # Not found is answered here: to look once more would take longer for what is there and may not be seen.
    return sent_on(request, await TaskEngine(access).get(task))


async def _list(request: StrictRequest, access: AccessScope, _: str) -> Response:
    try:
        query = _list_query(request.scope["query_string"])
        return listed(request, await TaskEngine(access).page(query))
    except PastisError as error:
        raise _Unusual from error


async def _create(request: StrictRequest, access: AccessScope, _: str) -> Response:
    data = TaskCreate.model_validate(await _body(request))
    await refuse_match(request.headers.get("if-match"))
    return created(request, await TaskEngine(await _writable(request, access)).create(data))


async def _update(request: StrictRequest, access: AccessScope, task: str) -> Response:
    patch = TaskPatch.model_validate(await _body(request))
    return changed(await TaskEngine(await _writable(request, access)).update(task, patch))


CALLS = {
    ("GET", False): _Call(_ALL, Permission.TASK_READ, _list),
    ("GET", True): _Call(_ONE, Permission.TASK_READ, _get),
    ("POST", False): _Call(_ALL, Permission.TASK_CREATE, _create),
    ("PATCH", True): _Call(_ONE, Permission.TASK_UPDATE, _update),
}


FOLLOW = (_SYNC, Permission.WORKSPACE_READ)
"""The route that streams stand for, and what it requires."""


async def _follow(request: StrictRequest, workspace: str) -> Response:
    """For an account, in a workspace that others follow already."""
    state, sync = request.scope["state"], services_in(request.scope).sync
    caller: Caller = state["caller"]
    route, permission = FOLLOW
    try:
        cursor = _cursor(request)
        # Others would be counted as refused here, and be looked up for a second time by the route.
        if not sync.follows(workspace) or not caller.looks_like_account():
            raise _Unusual
        account = await caller.account()
        entered = await sync.enter(workspace, account.principal)
        if entered is None or not entered.may_read(permission.resource):
            raise _Unusual
    except PastisError as error:
        raise _Unusual from error
    state["log"].update(actor=account.principal.user_id, workspace=entered.workspace_id)
    state["route"] = route
    return streamed(sync, request, await or_reset(sync.let_in(entered, cursor)))


def _cursor(request: StrictRequest) -> Cursor | None:
    """Raises `invalid_cursor`."""
    given = _query(request.scope["query_string"])
    found = [value for name, value in request.scope["headers"] if name == b"last-event-id"]
    if given.keys() - {"since"} or len(found) > 1:
        raise _Unusual
    text = found[0].decode("latin-1") if found else given.get("since")
    return None if text is None else read_cursor(text)


class FastLane:
    """Wraps the application; `app.state.services` holds the engines once the lifespan has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer_to = _lane_of(scope) if scope["type"] == "http" else None
        if answer_to is None:
            await self._app(scope, receive, send)
            return
        request = StrictRequest(scope, receive)
        try:
            response = await answer_to(request)
        except (_Unusual, ValidationError):
            await self._app(scope, _again(request, receive), send)
        except (InvalidJson, PastisError) as error:
            await answer(scope, error)(scope, receive, send)
        else:
            await response(scope, receive, send)


def _lane_of(scope: Scope) -> Callable[[StrictRequest], Awaitable[Response]] | None:
    """What answers a request; None for the route."""
    parts, method = scope["path"].split("/"), scope["method"]
    if len(parts) not in (6, 7) or parts[:4] != _PREFIX or not 0 < len(parts[4]) <= _MAX_REF:
        return None
    workspace, things, task = parts[4], parts[5], parts[6] if len(parts) == 7 else None
    if things == "sync" and task is None and method == "GET" and is_for_stream(scope):
        return partial(_follow, workspace=workspace)
    if things != "tasks" or (task is not None and not 0 < len(task) <= _MAX_REF):
        return None
    call = CALLS.get((method, task is not None))
    return None if call is None else partial(_run, call=call, workspace=workspace, task=task or "")


async def _run(request: StrictRequest, call: _Call, workspace: str, task: str) -> Response:
    state = request.scope["state"]
    try:
        access: AccessScope = await state["caller"].enter(workspace)
        access.demand(call.permission)
    except PastisError as error:
        raise _Unusual from error
    state["log"].update(actor=access.standing.actor_id, workspace=access.workspace_id)
    state["route"] = call.route
    return await call.run(request, access, task)


async def _body(request: StrictRequest) -> object:
    _no_query(request)
    await request.read(is_form=False)
    if not await request.body():
        raise _Unusual
    return await request.json()


async def _writable(request: StrictRequest, access: AccessScope) -> AccessScope:
    request.state.scope = access
    headers = request.headers
    return await write_scope(request, headers.get("idempotency-key"), headers.get("if-match"), dry_run=False)


@lru_cache(maxsize=_KNOWN_QUERIES)
def _list_query(query_string: bytes) -> TaskListQuery:
    """Kept, as clients ask for the same lists again and again; never change it."""
    return TaskListQuery.model_validate(_query(query_string))


def _query(query_string: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_PAIRS, errors="strict"
        )
    except ValueError as error:  # too many, or no text
        raise _Unusual from error
    given = dict(pairs)
    if len(given) != len(pairs):
        raise _Unusual
    return given


def _no_query(request: Request) -> None:
    if request.scope["query_string"]:
        raise _Unusual


def _again(request: StrictRequest, receive: Receive) -> Receive:
    """What was read of the body, for the route to read once more."""
    body: bytes | None = getattr(request, "_body", None)
    if body is None:
        return receive
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
