"""What happens in a workspace, live or since a cursor."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response, WebSocket

from app.api.deps import Process, ReadScope, checked_spare_key, refuse_match
from app.api.gate import Requires, RequiresSocket
from app.api.requests import StrictRoute, check_query
from app.api.responses import JSON, secret
from app.api.sockets import Socket
from app.api.streams import EVENTS, Download, Handover, or_reset, streamed
from app.api.v1 import problems
from app.schemas.base import WHOLE
from app.schemas.sync import FrameRead, Selections, TicketRead, fields_of
from app.services.access import Permission
from app.services.sync import LIFE, Cursor, Viewer, Wanted, read_cursor

router = APIRouter(prefix="/workspaces/{workspace}/sync", tags=["sync"], route_class=StrictRoute)
READ = [Depends(Requires(Permission.WORKSPACE_READ))]
MAX_CURSOR = 120
NDJSON = "application/x-ndjson"

Since = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR, description="The cursor to go on from; without one, from now on."),
]
LastEventId = Annotated[
    str | None,
    Header(max_length=MAX_CURSOR, description="The same, as browsers send it; it counts more than `since`."),
]
Wait = Annotated[
    int, Query(ge=0, le=30, description="Seconds to wait for something to come, if nothing has."), WHOLE
]
Project = Annotated[
    str | None,
    Query(min_length=1, max_length=60, description="Only the documents of this project, by its id or key."),
]
Fields = Annotated[
    Selections,
    Query(
        max_length=12,
        description="Of a kind only these fields, such as `task:title,status_id`; once a kind.",
    ),
]


async def viewer_of(scope: ReadScope, project: Project = None, fields: Fields = []) -> Viewer:  # noqa: B006
    project_id = None if project is None else await scope.project_id(project)
    wanted = Wanted(project_id, fields_of(fields))
    return Viewer(scope.standing.principal, scope.standing.membership_id, wanted)


async def cursor_of(since: Since = None, last_event_id: LastEventId = None) -> Cursor | None:
    text = since if last_event_id is None else last_event_id
    return None if text is None else read_cursor(text)


Told = Annotated[Viewer, Depends(viewer_of)]
From = Annotated[Cursor | None, Depends(cursor_of)]


@router.get(
    "",
    response_model=FrameRead,
    responses=problems.SYNC | {200: {"content": {EVENTS: {}}}},
    dependencies=READ,
)
async def get_frame(
    scope: ReadScope, services: Process, request: Request, viewer: Told, cursor: From, wait: Wait = 0
) -> Response:
    """All that one may see of what came since a cursor, as one frame.

    With `Accept: text/event-stream` it goes on: each frame is a message, sent at once.
    """
    opening = services.sync.open(scope.workspace_id, viewer, cursor)
    if EVENTS in request.headers.get("accept", ""):
        return streamed(services.sync, request, await or_reset(opening))
    opened = await opening
    return Response((await services.sync.wait(opened, wait)).body, media_type=JSON)


@router.get(
    "/snapshot",
    response_class=Response,
    responses=problems.SNAPSHOT | {200: {"description": "Lines of JSON.", "content": {NDJSON: {}}}},
    dependencies=READ,
)
async def get_snapshot(scope: ReadScope, services: Process, request: Request, viewer: Told) -> Response:
    """All that one may see, as of one number of the log, a document a line.

    The first line has the cursor to go on from, the last one says `"end": true` and how many there were.
    """
    snapshot = await services.sync.snapshot(scope.workspace_id, viewer)
    headers = {"vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Handover(Download(snapshot.gzip()), NDJSON, headers | {"content-encoding": "gzip"})
    return Handover(Download(snapshot.plain()), NDJSON, headers)


@router.post(
    "/tickets",
    response_model=TicketRead,
    responses=problems.TICKET,
    dependencies=[*READ, Depends(checked_spare_key), Depends(refuse_match)],
)
async def create_ticket(scope: ReadScope, services: Process) -> Response:
    """What opens one socket, in its address, within half a minute: for browsers, which can send no header."""
    ticket = await services.sync.tickets.create(scope.workspace_id, scope.standing.principal)
    return secret({"ticket": ticket, "expires_in": int(LIFE.total_seconds())})


async def check_socket_query(websocket: WebSocket) -> None:
    """A socket is opened as strictly as other routes are called."""
    check_query(websocket, {"fields": True, "project": False, "since": False, "ticket": False})


@router.websocket(
    "/ws", dependencies=[Depends(RequiresSocket(Permission.WORKSPACE_READ)), Depends(check_socket_query)]
)
async def open_socket(
    websocket: WebSocket, scope: ReadScope, services: Process, viewer: Told, cursor: From
) -> None:
    """Frames, commands and presence: see docs/sync.md."""
    opened = await or_reset(services.sync.open(scope.workspace_id, viewer, cursor))
    socket = Socket(websocket.scope, services.sync, scope.workspace_id, opened, websocket.state.caller)
    websocket.scope["state"]["stream"] = socket
