"""The only place where an exception becomes an answer: a problem document (RFC 9457).

Pointers of errors: a member of the body is `/title` or `/items/0/name` and the whole body is the empty
pointer; a parameter is `/query/<name>`, `/path/<name>`, `/header/<name>` or `/cookie/<name>`. What the
client sent is never repeated, except the names of members and parameters, cut to a bounded length.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.exceptions import WebSocketRequestValidationError as SocketValidationError
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope
from starlette.websockets import WebSocket

from app.api.validation import field_errors
from app.core.database.errors import classify
from app.core.errors import STATUS, ErrorCode, FieldCode, FieldError, PastisError
from app.core.logging import describe, get_logger
from app.core.messages import DEFAULT_LANGUAGE, field_text, pick_language, problem_text
from app.schemas.problems import Problem
from app.utils.strict_json import InvalidJson, JsonFlaw
from app.utils.times import rfc3339

MEDIA_TYPE = "application/problem+json"

logger = get_logger(__name__)

_METHODS = ("DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT")
_BY_STATUS = {
    401: ErrorCode.AUTHENTICATION_REQUIRED,
    403: ErrorCode.PERMISSION_DENIED,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.BODY_TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    416: ErrorCode.RANGE_NOT_SATISFIABLE,
    429: ErrorCode.TOO_MANY_REQUESTS,
    503: ErrorCode.OVERLOADED,
}
_BY_FLAW = {
    JsonFlaw.BAD_UNICODE: FieldCode.UNSAFE_TEXT,
    JsonFlaw.DUPLICATE_KEY: FieldCode.DUPLICATE_KEY,
    JsonFlaw.MALFORMED: FieldCode.MALFORMED,
    JsonFlaw.NOT_FINITE: FieldCode.NOT_FINITE,
    JsonFlaw.NUMBER_TOO_LARGE: FieldCode.OUT_OF_RANGE,
    JsonFlaw.TOO_DEEP: FieldCode.TOO_DEEP,
}
_MAX_POINTER = 256
_EXAMPLE_ID = "0199b1c5e1f07c6c9d8e4f5a6b7c8d9e"
_EXAMPLE_PARAMS: dict[str, Any] = {
    "count": 3,
    "event": 42,
    "expected": "application/json",
    "field": "name",
    "kind": "task",
    "limit": 100,
    "parameter": "colour",
    "permission": "task.update",
    "reason": "changed_since",
    "state": "running",
}
_EXAMPLE_ERRORS = {
    ErrorCode.MALFORMED_JSON: FieldError("", FieldCode.MALFORMED),
    ErrorCode.REPEATED_PARAMETER: FieldError("/query/colour", FieldCode.REPEATED),
    ErrorCode.UNDO_CONFLICT: FieldError("/estimate", FieldCode.CHANGED_SINCE),
    ErrorCode.UNKNOWN_PARAMETER: FieldError("/query/colour", FieldCode.UNKNOWN_FIELD),
    ErrorCode.VALIDATION_FAILED: FieldError("/title", FieldCode.MISSING),
}


def install(app: FastAPI) -> None:
    """Answer every exception of the app with a problem, and document the problems in its OpenAPI."""
    for kind in (HTTPException, InvalidJson, PastisError, RequestValidationError, SocketValidationError):
        app.add_exception_handler(kind, _handle)  # type: ignore[arg-type] # of both sorts of connections
    app.add_exception_handler(Exception, _handle_unforeseen)
    _document_problems(app)


def problem(scope: Scope, error: PastisError, **extensions: Any) -> Response:
    """Make the answer to a request that is refused for this reason; extensions are further members."""
    language = pick_language(Headers(scope=scope).get("accept-language"))
    state = scope.get("state", {})
    if "log" in state:
        state["log"]["code"] = error.code
    document = {**_document(error, language, state.get("request_id", "")), **extensions}
    content = orjson.dumps(document, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    response = Response(content, error.status, error.headers, MEDIA_TYPE)
    response.headers["Content-Language"] = language
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers.setdefault("WWW-Authenticate", "Bearer")
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", "1")
    return response


def unforeseen(scope: Scope, error: Exception) -> Response:
    """Answer for a database that is away; log a defect, and tell of the inside only with PASTIS_DEBUG."""
    known = classify(error)
    if known is not None:
        logger.warning("the database failed", error=type(error).__name__)
        return problem(scope, known)
    logger.error("unforeseen exception", exc_info=error)
    inside = {"debug": describe(error).splitlines()} if scope["app"].debug else {}
    return problem(scope, PastisError(ErrorCode.INTERNAL_ERROR), **inside)


def problem_responses(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """Build the `responses=` of a route or router that refuses with these codes."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        description = HTTPStatus(STATUS[code]).phrase
        entry = responses.setdefault(STATUS[code], _response(description, {}))
        example = _EXAMPLE_ERRORS.get(code)
        error = PastisError(code, errors=[example] if example else (), **_EXAMPLE_PARAMS)
        value = _document(error, DEFAULT_LANGUAGE, _EXAMPLE_ID)
        entry["content"][MEDIA_TYPE]["examples"][code.value] = {"summary": value["title"], "value": value}
    return responses


def answer(scope: Scope, error: Exception) -> Response:
    """Make the answer to one of the exceptions that `install` registers."""
    return problem(scope, _translate(scope, error))


async def _handle(connection: Request | WebSocket, error: Exception) -> Response | None:
    response = answer(connection.scope, error)
    if isinstance(connection, Request):
        return response
    await connection.send_denial_response(response)
    return None


async def _handle_unforeseen(request: Request, error: Exception) -> Response:
    return unforeseen(request.scope, error)


def _translate(scope: Scope, error: Exception) -> PastisError:
    match error:
        case PastisError():
            return error
        case RequestValidationError() | SocketValidationError():
            errors = field_errors(error.errors(), getattr(error, "body", None))
            return PastisError(ErrorCode.VALIDATION_FAILED, errors=errors)
        case InvalidJson():
            # A key with a lone surrogate may stand in the pointer, and no answer can carry it.
            pointer = (error.pointer or "")[:_MAX_POINTER].encode(errors="replace").decode()
            return PastisError(ErrorCode.MALFORMED_JSON, errors=[FieldError(pointer, _BY_FLAW[error.reason])])
        case HTTPException():
            return _from_http(scope, error)
    raise error


def _from_http(scope: Scope, error: HTTPException) -> PastisError:
    fallback = ErrorCode.BAD_REQUEST if error.status_code < 500 else ErrorCode.INTERNAL_ERROR
    code = _BY_STATUS.get(error.status_code, fallback)
    headers = dict(error.headers or {})
    if code is ErrorCode.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(scope))
    params: dict[str, Any] = {"kind": "resource"} if code is ErrorCode.NOT_FOUND else {}
    return PastisError(code, headers=headers, **params)


def _allowed_methods(scope: Scope) -> list[str]:
    """Ask all routes, because Starlette only asks the first of several on one path; HEAD goes with GET."""
    routes = scope["app"].router.routes
    probe = {key: value for key, value in scope.items() if key != "fastapi"}
    found = {
        method
        for method in _METHODS
        if any(route.matches({**probe, "method": method})[0] is Match.FULL for route in routes)
    }
    return sorted(found | {"HEAD"} if "GET" in found else found)


def _document(error: PastisError, language: str, request_id: str) -> dict[str, Any]:
    title, detail = problem_text(error.code, language, error.params)
    document = {
        "type": f"/problems/{error.code}",
        "title": title,
        "status": error.status,
        "detail": detail,
        "code": error.code,
        "request_id": request_id,
        "errors": [
            {"pointer": e.pointer, "code": e.code, "detail": field_text(e.code, language, e.params)}
            for e in error.errors
        ],
    }
    current = {} if error.current is None else {"current": error.current}
    return {**document, **current, **error.members}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else str(value)


def _response(description: str, examples: dict[str, Any]) -> dict[str, Any]:
    media = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    return {"description": description, "content": {MEDIA_TYPE: media}}


def _document_problems(app: FastAPI) -> None:
    """Give the OpenAPI the schema of problems in the place of FastAPI's own validation errors."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _amend(generate())
        return generate()

    app.openapi = openapi  # type: ignore[method-assign] # the way that FastAPI's manual shows


def _amend(document: dict[str, Any]) -> None:
    """Change the document in place, which is the one that FastAPI keeps."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs"), Problem=schema)
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    ours = problem_responses(ErrorCode.VALIDATION_FAILED)[422]
    for path in document["paths"].values():
        for operation in path.values():
            _replace_validation_error(operation["responses"], ours)


def _replace_validation_error(responses: dict[str, Any], ours: dict[str, Any]) -> None:
    theirs = {"$ref": "#/components/schemas/HTTPValidationError"}
    content = responses.get("422", {}).get("content", {})
    if content.get("application/json", {}).get("schema") == theirs:
        responses["422"] = ours
