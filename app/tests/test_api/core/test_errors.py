"""Every exception becomes a problem."""

import json
from typing import get_args
from uuid import UUID

import pytest
from fastapi.exceptions import RequestValidationError
from httpx2 import AsyncClient
from pydantic_core.core_schema import ErrorType

from app.api.errors import _translate, problem_responses
from app.api.validation import field_code, field_errors
from app.core.errors import STATUS, ErrorCode, FieldCode
from app.schemas.problems import Problem
from app.tests.test_api.core.things import SECRET, build, check

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("code", list(ErrorCode))
async def test_every_code_over_http(things: AsyncClient, code: ErrorCode, language: str) -> None:
    response = await things.get(f"/raise/{code}", headers={"Accept-Language": language})
    check(response, STATUS[code], code)
    assert response.headers["content-language"] == language
    assert ("www-authenticate" in response.headers) is (STATUS[code] == 401)
    assert ("retry-after" in response.headers) is (STATUS[code] == 503)


async def test_a_stale_write_is_answered_with_the_present_state(things: AsyncClient) -> None:
    response = await things.delete("/api/things/1")
    body = check(response, 412, "precondition_failed")
    assert response.headers["etag"] == '"7"'
    assert body["current"] == {
        "item": {"name": "x", "count": 1},
        "at": "2026-01-02T00:00:00.000Z",
        "id": str(UUID(int=1)),
    }


async def test_an_unknown_path(things: AsyncClient) -> None:
    assert "resource" in check(await things.get(f"/{SECRET}"), 404, "not_found")["detail"]


async def test_allow_lists_every_method_of_the_path(things: AsyncClient) -> None:
    response = await things.patch("/api/things/1")
    check(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "DELETE, GET, HEAD"
    assert (await things.put("/loose")).headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("status", "expected", "code"),
    [
        (400, 400, "bad_request"),
        (401, 401, "authentication_required"),
        (403, 403, "permission_denied"),
        (413, 413, "body_too_large"),
        (415, 415, "unsupported_media_type"),
        (418, 400, "bad_request"),
        (501, 500, "internal_error"),
        (503, 503, "overloaded"),
    ],
)
async def test_exceptions_of_the_framework(
    things: AsyncClient, status: int, expected: int, code: str
) -> None:
    response = await things.get(f"/http/{status}")
    check(response, expected, code)
    assert response.headers["x-kept"] == "yes"


async def test_the_unforeseen_tells_nothing(things: AsyncClient) -> None:
    check(await things.get("/boom"), 500, "internal_error")


def test_what_has_no_handler_stays_an_exception() -> None:
    with pytest.raises(KeyError):
        _translate({"type": "http"}, KeyError("x"))


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_every_pydantic_error_has_a_code(kind: str) -> None:
    context = {"field_type": "List"} if kind in {"too_long", "too_short"} else {}
    assert field_code(kind, context) in FieldCode
    error = {"type": kind, "loc": ("body", "x"), "ctx": context}
    assert [e.pointer for e in field_errors([error], {"x": 1})] == ["/x"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("date_from_datetime_inexact", FieldCode.INVALID_DATE),
        ("missing_argument", FieldCode.MISSING),
        ("too_short", FieldCode.TOO_FEW),
        ("timezone_naive", FieldCode.INVALID_DATE),
        ("url_scheme", FieldCode.INVALID_FORMAT),
        ("value_error", FieldCode.INVALID_FORMAT),
    ],
)
def test_codes_of_pydantic_errors(kind: str, code: FieldCode) -> None:
    assert field_code(kind, {"field_type": "List"}) is code


def test_a_translated_validation_error_keeps_no_input() -> None:
    error = RequestValidationError([{"type": "int_type", "loc": ("body",), "input": SECRET}], body=SECRET)
    translated = _translate({"type": "http"}, error)
    assert SECRET not in repr([e.params for e in translated.errors])


def test_problem_responses() -> None:
    responses = problem_responses(
        ErrorCode.NOT_FOUND, ErrorCode.ARCHIVED, ErrorCode.IN_USE, ErrorCode.MALFORMED_JSON
    )
    assert list(responses) == [404, 409, 422]
    media = responses[409]["content"]["application/problem+json"]
    assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert list(media["examples"]) == ["archived", "in_use"]
    for response in problem_responses(*ErrorCode).values():
        for example in response["content"]["application/problem+json"]["examples"].values():
            Problem.model_validate(example["value"])


async def test_the_openapi_documents_problems_only(things: AsyncClient) -> None:
    app = build()

    @app.get("/own", responses=problem_responses(ErrorCode.INVALID_CURSOR))
    async def own(limit: int = 1) -> int:
        return limit

    document = app.openapi()
    assert app.openapi() is document
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    assert {"Problem", "FieldProblem", "ErrorCode", "FieldCode"} <= document["components"]["schemas"].keys()
    created = document["paths"]["/api/things"]["post"]["responses"]["422"]["content"]
    assert list(created["application/problem+json"]["examples"]) == ["validation_failed"]
    declared = document["paths"]["/own"]["get"]["responses"]["422"]["content"]
    assert list(declared["application/problem+json"]["examples"]) == ["invalid_cursor"]
