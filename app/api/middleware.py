"""The outermost layer of the application, once around every HTTP request."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from time import perf_counter
from typing import Any

from opentelemetry.trace import format_trace_id, get_current_span
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import problem, unforeseen
from app.api.network import read_origin
from app.core.config import Settings
from app.core.errors import ErrorCode, PastisError
from app.core.logging import get_logger, log_request, request_context
from app.core.origin import origin_reader
from app.core.telemetry import Telemetry
from app.utils.ids import new_id

MAX_HEADER_BYTES = 32_768
MAX_TARGET_BYTES = 8_192
_SWITCHED = 101
_CLIENT_CLOSED = 499  # nginx's word for a client that left before the answer
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")

_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})

Header = tuple[bytes, bytes]
_NO_STORE = (b"cache-control", b"no-store")
_POLICY = b"content-security-policy"
_API_POLICY = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")
# Swagger's page holds a script of its own.
_DOCS_POLICY = (
    _POLICY,
    (
        b"default-src 'none'; connect-src 'self'; img-src 'self' data:; "
        b"script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
)
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")

logger = get_logger(__name__)


class RequestLayer:
    """Give each request an id, bounds, safe headers, an answer to the unforeseen and one line in the log.

    What lies behind it sees GET in the place of HEAD; the body of the answer is left out here.

    It leaves three things in the request's `state`: `request_id`; `max_body_bytes`, the limit that
    `StrictRoute` keeps to; and `log`, a dict whose entries every log line of the request carries.
    Dependencies that learn them add `actor` and `workspace` to it: `request.state.log["actor"] = user.id`.
    """

    def __init__(self, app: ASGIApp, settings: Settings, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry
        self._traced = settings.traces_url is not None
        self._max_body_bytes = settings.max_body_bytes
        always = (*_ALWAYS, _HSTS) if settings.production else _ALWAYS
        self._other_headers = (*always, _API_POLICY)
        self._api_headers = (*self._other_headers, _NO_STORE)
        self._docs_headers = (*always, _DOCS_POLICY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        method = scope["method"]
        if method == "HEAD":
            scope = {**scope, "method": "GET"}
        header_bytes, request_id = _read_headers(scope["headers"])
        log: dict[str, Any] = {"request_id": request_id}
        if self._traced:
            log["trace_id"] = format_trace_id(get_current_span().get_span_context().trace_id)
        state = scope.setdefault("state", {})
        state.update(request_id=request_id, log=log, max_body_bytes=self._max_body_bytes)
        headers = ((b"x-request-id", request_id.encode()), *self._headers(scope["path"]))
        begun = partial(_name_span, scope, method) if self._traced else None
        answer = _Answer(send, headers, bodiless=method == "HEAD", begun=begun)
        token = request_context.set(log)
        origin = origin_reader.set(partial(read_origin, scope))
        try:
            await self._run(scope, receive, answer, header_bytes)
        finally:
            seconds, route, status = perf_counter() - began, _route(scope), answer.status or _CLIENT_CLOSED
            self._telemetry.request(method, route, status, seconds)
            took = round(seconds * 1000, 2)
            log_request(__name__, log, method=method, route=route, status=status, duration_ms=took)
            request_context.reset(token)
            origin_reader.reset(origin)

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same for a socket, until it is open: then it goes on outside."""
        header_bytes, request_id = _read_headers(scope["headers"])
        log: dict[str, Any] = {"request_id": request_id}
        scope.setdefault("state", {}).update(request_id=request_id, log=log)
        answer = _Answer(send, ((b"x-request-id", request_id.encode()), *self._api_headers), bodiless=False)
        token = request_context.set(log)
        try:
            await self._run(scope, receive, answer, header_bytes)
        finally:
            logger.info("socket", route=_route(scope), status=answer.status or _SWITCHED)
            request_context.reset(token)

    async def _run(self, scope: Scope, receive: Receive, answer: "_Answer", header_bytes: int) -> None:
        try:
            refusal = _out_of_bounds(scope, header_bytes)
            await (problem(scope, refusal) if refusal else self._app)(scope, receive, answer)
        except ClientDisconnect:
            pass  # nobody is left to answer
        except Exception as error:  # noqa: BLE001 - the last to hear of it; the server would print it again
            response = unforeseen(scope, error)
            # Once begun, an answer can only be broken off, which the server does when we return.
            if answer.status is None:
                await response(scope, receive, answer)

    def _headers(self, path: str) -> tuple[Header, ...]:
        if path.startswith("/api/"):
            return self._api_headers
        return self._docs_headers if path.startswith("/docs") else self._other_headers


class _Answer:
    """The `send` that the application is given: notes the status and adds the headers it did not set."""

    __slots__ = ("_begun", "_bodiless", "_headers", "_send", "status")

    def __init__(
        self,
        send: Send,
        headers: tuple[Header, ...],
        *,
        bodiless: bool,
        begun: Callable[[], None] | None = None,
    ) -> None:
        """`begun` is called when the answer begins."""
        self._begun = begun
        self._send = send
        self._headers = headers
        self._bodiless = bodiless
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] in _STARTS:
            self.status = message["status"]
            if self._begun is not None:
                self._begun()
            given = message.get("headers", ())
            names = {name for name, _ in given}
            message["headers"] = [*given, *(header for header in self._headers if header[0] not in names)]
        elif self._bodiless:
            message = {**message, "body": b""}
        await self._send(message)


def _name_span(scope: Scope, method: str) -> None:
    """The framework knows no route of what is answered ahead of it, and ends the span with the answer."""
    route = _route(scope)
    if route is not None:
        get_current_span().update_name(f"{method} {route}")
        get_current_span().set_attribute("http.route", route)


def _read_headers(headers: Iterable[Header]) -> tuple[int, str]:
    """Measure the headers and find the request's id, or make one."""
    size = 0
    given = b""
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"x-request-id":
            given = value
    return size, given.decode() if _REQUEST_ID.fullmatch(given) else new_id()


def _out_of_bounds(scope: Scope, header_bytes: int) -> PastisError | None:
    if header_bytes > MAX_HEADER_BYTES:
        return PastisError(ErrorCode.HEADERS_TOO_LARGE, limit=MAX_HEADER_BYTES)
    if len(scope["path"]) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return PastisError(ErrorCode.URI_TOO_LONG, limit=MAX_TARGET_BYTES)
    return None


def _route(scope: Scope) -> str | None:
    """Name the template of the path, which tells nothing of what was asked for.

    `scope["route"]` of an included router lacks the prefix; FastAPI keeps the whole path beside it.
    """
    if "route" in scope["state"]:  # answered ahead of the framework
        return str(scope["state"]["route"])
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    # Of a socket it keeps Starlette's route, and has no path of its own.
    return getattr(getattr(route, "starlette_route", None) or route, "path_format", None)
