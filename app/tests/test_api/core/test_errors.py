import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends, FastAPI, File, Form, Header, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from httpx2 import ASGITransport, AsyncClient, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ErrorType

from app.api.errors import _translate, install, problem_responses
from app.api.requests import StrictRoute
from app.api.validation import field_code, field_errors
from app.core.errors import STATUS, ErrorCode, FieldCode, PastisError
from app.schemas.problems import Problem

pytestmark = pytest.mark.anyio
SECRET = "s3cr3t-input"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "blank")
    if len(text) > 9:
        raise PydanticCustomError("too_long", "long", {"limit": 9})
    return text


class Item(BaseModel):
    name: Annotated[str, AfterValidator(not_blank)] = "x"
    count: int = Field(1, ge=1, lt=10)


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=5)
    colour: Colour = Colour.RED
    size: Literal["s", "m"] = "s"
    due: date | datetime | None = None
    owner: UUID | None = None
    items: list[Item] = Field([], max_length=2)
    numbers: dict[str, int] = {}
    pattern: str = Field("a", pattern="^a$")
    ratio: float = 1.0


async def page(limit: Annotated[int, Query(ge=1, le=100)] = 10) -> int:
    return limit


class Filter(BaseModel):
    status: list[str] = []
    text: str | None = None


def reading_routes() -> APIRouter:
    router = APIRouter(route_class=StrictRoute, prefix="/things")

    @router.get("")
    async def search(
        limit: Annotated[int, Depends(page)],
        tag: Annotated[list[str] | None, Query()] = None,
        since: Annotated[date | datetime | None, Query()] = None,
        x_mode: Annotated[Literal["a"] | None, Header()] = None,
    ) -> dict[str, Any]:
        return {"limit": limit, "tag": tag, "since": since, "mode": x_mode}

    @router.get("/filtered")
    async def filtered(filters: Annotated[Filter, Query()]) -> Filter:
        return filters

    @router.get("/{number}")
    async def read(number: Annotated[int, Path()]) -> int:
        return number

    return router


def writing_routes() -> APIRouter:
    router = APIRouter(route_class=StrictRoute, prefix="/things")

    @router.post("")
    async def create(thing: Thing) -> Thing:
        return thing

    @router.delete("/{number}")
    async def delete(number: int) -> None:
        raise PastisError(
            ErrorCode.PRECONDITION_FAILED,
            headers={"ETag": '"7"'},
            current={"item": Item(), "at": datetime(2026, 1, 2, tzinfo=UTC), "id": UUID(int=1)},
        )

    @router.post("/optional")
    async def optional(thing: Thing | None = None) -> bool:
        return thing is None

    @router.post("/form")
    async def form(name: Annotated[str, Form()], file: Annotated[bytes, File()] = b"") -> str:
        return name + str(len(file))

    @router.post("/stream")
    async def stream(request: Request) -> int:
        return len(await request.body())

    return router


def build() -> FastAPI:
    app = FastAPI()
    install(app)
    things = APIRouter(prefix="/api")
    things.include_router(reading_routes())
    things.include_router(writing_routes())
    app.include_router(things)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError(SECRET)

    @app.get("/raise/{code}")
    async def refuse(code: ErrorCode) -> None:
        raise PastisError(code)

    @app.get("/http/{status}")
    async def http(status: int) -> None:
        raise HTTPException(status, SECRET, {"X-Kept": "yes"})

    @app.post("/loose")
    async def loose(thing: Thing) -> Thing:
        return thing

    return app


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=build(), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def check(response: Response, status: int, code: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    assert SECRET not in response.text
    body: dict[str, Any] = response.json()
    Problem.model_validate(body)
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"/problems/{code}"
    return body


def found(response: Response) -> list[tuple[str, str]]:
    body = check(response, 422, "validation_failed")
    return [(error["pointer"], error["code"]) for error in body["errors"]]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("code", list(ErrorCode))
async def test_every_code_over_http(client: AsyncClient, code: ErrorCode, language: str) -> None:
    response = await client.get(f"/raise/{code}", headers={"Accept-Language": language})
    check(response, STATUS[code], code)
    assert response.headers["content-language"] == language
    assert ("www-authenticate" in response.headers) is (STATUS[code] == 401)
    assert ("retry-after" in response.headers) is (STATUS[code] == 503)


async def test_a_stale_write_is_answered_with_the_present_state(client: AsyncClient) -> None:
    response = await client.delete("/api/things/1")
    body = check(response, 412, "precondition_failed")
    assert response.headers["etag"] == '"7"'
    assert body["current"] == {
        "item": {"name": "x", "count": 1},
        "at": "2026-01-02T00:00:00.000Z",
        "id": str(UUID(int=1)),
    }


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("/title", "missing")]),
        ({"title": SECRET}, [("/title", "too_long")]),
        ({"title": ""}, [("/title", "too_short")]),
        ({"title": 7}, [("/title", "wrong_type")]),
        ({"title": "a", "no/pe~": SECRET}, [("/no~1pe~0", "unknown_field")]),
        ({"title": "a", "colour": SECRET}, [("/colour", "invalid_choice")]),
        ({"title": "a", "size": SECRET}, [("/size", "invalid_choice")]),
        ({"title": "a", "due": SECRET}, [("/due", "invalid_date")]),
        ({"title": "a", "due": [SECRET]}, [("/due", "wrong_type")]),
        ({"title": "a", "owner": SECRET}, [("/owner", "invalid_id")]),
        ({"title": "a", "items": [{}, {"count": 0}]}, [("/items/1/count", "out_of_range")]),
        ({"title": "a", "items": [{"name": " "}]}, [("/items/0/name", "blank")]),
        ({"title": "a", "items": [{"name": "x" * 10}]}, [("/items/0/name", "too_long")]),
        ({"title": "a", "items": [{}, {}, {}]}, [("/items", "too_many")]),
        ({"title": "a", "items": SECRET}, [("/items", "wrong_type")]),
        ({"title": "a", "numbers": {"k": SECRET}}, [("/numbers/k", "wrong_type")]),
        ({"title": "a", "pattern": SECRET}, [("/pattern", "invalid_format")]),
        (
            {"colour": 1, "size": 2},
            [("/title", "missing"), ("/colour", "invalid_choice"), ("/size", "invalid_choice")],
        ),
        ([SECRET], [("", "wrong_type")]),
        (None, [("", "wrong_type")]),
    ],
)
async def test_what_is_wrong_and_where(client: AsyncClient, body: Any, errors: list[tuple[str, str]]) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/api/things", content=json.dumps(body), headers=headers)
    assert found(response) == errors


async def test_details_are_exact_and_translated(client: AsyncClient) -> None:
    body = {"title": "much too long", "colour": "x", "items": [{"count": 10}]}
    response = await client.post("/api/things", json=body, headers={"Accept-Language": "fr"})
    assert [error["detail"] for error in response.json()["errors"]] == [
        "Le texte ne doit pas dépasser 5 caractères.",
        "La valeur doit être l'une de celles-ci\u00a0: red, blue.",
        "La valeur doit être inférieure à 10.",
    ]


async def test_an_empty_body_is_missing_unless_it_is_optional(client: AsyncClient) -> None:
    assert found(await client.post("/api/things")) == [("", "missing")]
    assert (await client.post("/api/things/optional")).json() is True


async def test_the_errors_are_bounded(client: AsyncClient) -> None:
    body = {"title": "a", "k" * 100_000: 1, "numbers": {str(number): "x" for number in range(1_000)}}
    response = await client.post("/api/things", json=body)
    assert len(found(response)) == 50
    assert len(response.content) < 10_000


@pytest.mark.parametrize(
    ("url", "errors"),
    [
        ("/api/things?limit=0", [("/query/limit", "out_of_range")]),
        ("/api/things?limit=x", [("/query/limit", "wrong_type")]),
        ("/api/things?since=x", [("/query/since", "invalid_date")]),
        ("/api/things/x", [("/path/number", "wrong_type")]),
    ],
)
async def test_parameters(client: AsyncClient, url: str, errors: list[tuple[str, str]]) -> None:
    assert found(await client.get(url)) == errors


async def test_headers(client: AsyncClient) -> None:
    response = await client.get("/api/things", headers={"X-Mode": "b"})
    assert found(response) == [("/header/x-mode", "invalid_choice")]


@pytest.mark.parametrize(
    ("url", "code", "pointer", "field"),
    [
        ("/api/things?limti=3", "unknown_parameter", "/query/limti", "unknown_field"),
        ("/api/things?limit=3&limit=3", "repeated_parameter", "/query/limit", "repeated"),
        ("/api/things?a/~=1", "unknown_parameter", "/query/a~1~0", "unknown_field"),
        ("/api/things?%ff=1", "unknown_parameter", "/query/\ufffd", "unknown_field"),
        (f"/api/things?{'x' * 999}=1", "unknown_parameter", f"/query/{'x' * 64}", "unknown_field"),
        ("/api/things/filtered?nope=1", "unknown_parameter", "/query/nope", "unknown_field"),
        ("/api/things/filtered?text=1&text=2", "repeated_parameter", "/query/text", "repeated"),
        ("/api/things/1?x", "unknown_parameter", "/query/x", "unknown_field"),
    ],
)
async def test_parameters_are_declared_and_single(
    client: AsyncClient, url: str, code: str, pointer: str, field: str
) -> None:
    body = check(await client.get(url), 422, code)
    assert [(error["pointer"], error["code"]) for error in body["errors"]] == [(pointer, field)]
    assert pointer.removeprefix("/query/").replace("~1", "/").replace("~0", "~") in body["detail"]


async def test_lists_may_repeat(client: AsyncClient) -> None:
    response = await client.get("/api/things?tag=a&tag=b&limit=2")
    assert response.json() == {"limit": 2, "tag": ["a", "b"], "since": None, "mode": None}
    filtered = await client.get("/api/things/filtered?status=a&status=b&text=c")
    assert filtered.json() == {"status": ["a", "b"], "text": "c"}


async def test_a_body_does_not_excuse_an_unknown_parameter(client: AsyncClient) -> None:
    check(await client.post("/api/things?dry=1", json={"title": "a"}), 422, "unknown_parameter")


async def test_an_inclusion_may_bring_parameters() -> None:
    app = FastAPI()
    install(app)
    router = APIRouter(route_class=StrictRoute)

    @router.get("/x")
    async def x() -> int:
        return 1

    app.include_router(router, prefix="/bare")
    app.include_router(router, prefix="/paged", dependencies=[Depends(page)])
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as client:
        assert (await client.get("/paged/x?limit=3")).json() == 1
        check(await client.get("/bare/x?limit=3"), 422, "unknown_parameter")


@pytest.mark.parametrize(
    ("raw", "pointer", "field"),
    [
        (b"{", "", "malformed"),
        (b'{"title": "a"} x', "", "malformed"),
        (b'{"title": 1, "title": 2}', "/title", "duplicate_key"),
        (b'{"ratio": NaN}', "/ratio", "not_finite"),
        (b'{"ratio": 1e999}', "/ratio", "not_finite"),
        (b'{"ratio": 99999999999999999999999}', "/ratio", "out_of_range"),
        (b'{"title": "\xff"}', "", "unsafe_text"),
        (b'{"title": "\\ud800"}', "/title", "unsafe_text"),
        (b'{"\\ud800": 1}', None, "unsafe_text"),
        (b"[" * 50 + b"]" * 50, None, "too_deep"),
        (b"[" * 100_000, None, "too_deep"),
    ],
)
async def test_bad_json(client: AsyncClient, raw: bytes, pointer: str | None, field: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/api/things", content=raw, headers=headers)
    (error,) = check(response, 422, "malformed_json")["errors"]
    assert error["code"] == field
    assert pointer is None or error["pointer"] == pointer
    assert len(error["pointer"]) <= 256


async def test_a_plain_route_answers_bad_json_with_a_problem_too(client: AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/loose", content=b"{", headers=headers)
    assert found(response) == [("", "malformed")]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
    ],
)
async def test_json_by_any_of_its_names(client: AsyncClient, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    response = await client.post("/api/things", content=b'{"title": "a"}', headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "media_type", [None, "", "text/plain", "application/x/y+json", "application/jsonp", "+json"]
)
async def test_another_media_type_is_refused(client: AsyncClient, media_type: str | None) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    response = await client.post("/api/things", content=b'{"title": "a"}', headers=headers)
    assert "application/json" in check(response, 415, "unsupported_media_type")["detail"]


async def test_forms(client: AsyncClient) -> None:
    response = await client.post("/api/things/form", data={"name": "a"}, files={"file": b"123"})
    assert response.json() == "a3"
    assert (await client.post("/api/things/form", data={"name": "a"})).json() == "a0"
    assert found(await client.post("/api/things/form", data={"x": "a"})) == [("/name", "missing")]
    response = await client.post("/api/things/form", json={"name": "a"})
    assert "multipart/form-data" in check(response, 415, "unsupported_media_type")["detail"]
    headers = {"Content-Type": "multipart/form-data"}
    response = await client.post("/api/things/form", content=SECRET, headers=headers)
    check(response, 400, "bad_request")


async def test_bodies_are_bounded(client: AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    for content in (b" " * 1_048_577, chunks()):
        response = await client.post("/api/things", content=content, headers=headers)
        assert "1048576" in check(response, 413, "body_too_large")["detail"]
    headers["Content-Length"] = "9" * 5_000
    check(await client.post("/api/things", content=b"{}", headers=headers), 413, "body_too_large")


async def test_a_route_without_a_declared_body_reads_as_it_likes(client: AsyncClient) -> None:
    response = await client.post("/api/things/stream", content=b"x" * 2_000_000)
    assert response.json() == 2_000_000


async def test_an_unknown_path(client: AsyncClient) -> None:
    assert "resource" in check(await client.get(f"/{SECRET}"), 404, "not_found")["detail"]


async def test_allow_lists_every_method_of_the_path(client: AsyncClient) -> None:
    response = await client.patch("/api/things/1")
    check(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "DELETE, GET, HEAD"
    assert (await client.put("/loose")).headers["allow"] == "POST"


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
    client: AsyncClient, status: int, expected: int, code: str
) -> None:
    response = await client.get(f"/http/{status}")
    check(response, expected, code)
    assert response.headers["x-kept"] == "yes"


async def test_the_unforeseen_tells_nothing(client: AsyncClient) -> None:
    check(await client.get("/boom"), 500, "internal_error")


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


async def test_the_openapi_documents_problems_only(client: AsyncClient) -> None:
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
