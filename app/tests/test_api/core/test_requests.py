"""How requests are read: bodies, parameters, headers, media types."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from httpx2 import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send

from app.api.errors import install
from app.api.requests import StrictRoute
from app.tests.test_api.core.things import SECRET, build, check, found, page

pytestmark = pytest.mark.anyio

JSON = "application/json"


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
async def test_what_is_wrong_and_where(things: AsyncClient, body: Any, errors: list[tuple[str, str]]) -> None:
    headers = {"Content-Type": "application/json"}
    response = await things.post("/api/things", content=json.dumps(body), headers=headers)
    assert found(response) == errors


async def test_details_are_exact_and_translated(things: AsyncClient) -> None:
    body = {"title": "much too long", "colour": "x", "items": [{"count": 10}]}
    response = await things.post("/api/things", json=body, headers={"Accept-Language": "fr"})
    assert [error["detail"] for error in response.json()["errors"]] == [
        "Le texte ne doit pas dépasser 5 caractères.",
        "La valeur doit être l'une de celles-ci\u00a0: red, blue.",
        "La valeur doit être inférieure à 10.",
    ]


async def test_an_empty_body_is_missing_unless_it_is_optional(things: AsyncClient) -> None:
    assert found(await things.post("/api/things")) == [("", "missing")]
    assert (await things.post("/api/things/optional")).json() is True


async def test_the_errors_are_bounded(things: AsyncClient) -> None:
    body = {"title": "a", "k" * 100_000: 1, "numbers": {str(number): "x" for number in range(1_000)}}
    response = await things.post("/api/things", json=body)
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
async def test_parameters(things: AsyncClient, url: str, errors: list[tuple[str, str]]) -> None:
    assert found(await things.get(url)) == errors


async def test_headers(things: AsyncClient) -> None:
    response = await things.get("/api/things", headers={"X-Mode": "b"})
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
    things: AsyncClient, url: str, code: str, pointer: str, field: str
) -> None:
    body = check(await things.get(url), 422, code)
    assert [(error["pointer"], error["code"]) for error in body["errors"]] == [(pointer, field)]
    assert pointer.removeprefix("/query/").replace("~1", "/").replace("~0", "~") in body["detail"]


@pytest.mark.parametrize(
    "value", [b"%ff", b"a%C3", b"%ED%A0%80", b"%C0%AF", b"a%F4%90%80%80b", b"\xc3\xa9", b"\xff", b"%C3\xa9"]
)
async def test_parameters_are_text(things: AsyncClient, value: bytes) -> None:
    assert (await things.get("/api/things/filtered?text=%C3%A9%EF%BF%BD+1")).json()["text"] == "é\ufffd 1"

    async def bent(scope: Scope, receive: Receive, send: Send) -> None:
        await build()({**scope, "query_string": b"status=a&text=" + value}, receive, send)

    async with AsyncClient(transport=ASGITransport(app=bent), base_url="http://test") as client:
        assert found(await client.get("/api/things/filtered")) == [("/query/text", "unsafe_text")]


async def test_lists_may_repeat(things: AsyncClient) -> None:
    response = await things.get("/api/things?tag=a&tag=b&limit=2")
    assert response.json() == {"limit": 2, "tag": ["a", "b"], "since": None, "mode": None}
    filtered = await things.get("/api/things/filtered?status=a&status=b&text=c")
    assert filtered.json() == {"status": ["a", "b"], "text": "c"}


async def test_a_body_does_not_excuse_an_unknown_parameter(things: AsyncClient) -> None:
    check(await things.post("/api/things?dry=1", json={"title": "a"}), 422, "unknown_parameter")


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
async def test_bad_json(things: AsyncClient, raw: bytes, pointer: str | None, field: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = await things.post("/api/things", content=raw, headers=headers)
    (error,) = check(response, 422, "malformed_json")["errors"]
    assert error["code"] == field
    assert pointer is None or error["pointer"] == pointer
    assert len(error["pointer"]) <= 256


async def test_a_plain_route_answers_bad_json_with_a_problem_too(things: AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    response = await things.post("/loose", content=b"{", headers=headers)
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
async def test_json_by_any_of_its_names(things: AsyncClient, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    response = await things.post("/api/things", content=b'{"title": "a"}', headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "media_type", [None, "", "text/plain", "application/x/y+json", "application/jsonp", "+json"]
)
async def test_another_media_type_is_refused(things: AsyncClient, media_type: str | None) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    response = await things.post("/api/things", content=b'{"title": "a"}', headers=headers)
    assert "application/json" in check(response, 415, "unsupported_media_type")["detail"]


async def test_forms(things: AsyncClient) -> None:
    response = await things.post("/api/things/form", data={"name": "a"}, files={"file": b"123"})
    assert response.json() == "a3"
    assert (await things.post("/api/things/form", data={"name": "a"})).json() == "a0"
    assert found(await things.post("/api/things/form", data={"x": "a"})) == [("/name", "missing")]
    response = await things.post("/api/things/form", json={"name": "a"})
    assert "multipart/form-data" in check(response, 415, "unsupported_media_type")["detail"]
    headers = {"Content-Type": "multipart/form-data"}
    response = await things.post("/api/things/form", content=SECRET, headers=headers)
    check(response, 400, "bad_request")


async def test_bodies_are_bounded(things: AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    for content in (b" " * 1_048_577, chunks()):
        response = await things.post("/api/things", content=content, headers=headers)
        assert "1048576" in check(response, 413, "body_too_large")["detail"]
    headers["Content-Length"] = "9" * 5_000
    check(await things.post("/api/things", content=b"{}", headers=headers), 413, "body_too_large")


NOTHING_URLS = [("POST", "/api/things/7/archive"), ("DELETE", "/api/things/7")]


@pytest.mark.parametrize(("method", "url"), NOTHING_URLS)
@pytest.mark.parametrize(
    ("raw", "media_type", "status", "code", "errors"),
    [
        (b'{"x": 1, "a/b": 2}', JSON, 422, "validation_failed", ["/x", "/a~1b"]),
        (b"[]", JSON, 422, "validation_failed", [""]),
        (b"null", JSON, 422, "validation_failed", [""]),
        (b'""', JSON, 422, "validation_failed", [""]),
        (b"garbage", JSON, 422, "malformed_json", [""]),
        (b" ", JSON, 422, "malformed_json", [""]),
        (b'{"x": 1, "x": 2}', JSON, 422, "malformed_json", ["/x"]),
        (b'{"x": 1}', "text/plain", 415, "unsupported_media_type", []),
        (b"x=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type", []),
        (b"x" * 1_048_577, JSON, 413, "body_too_large", []),
    ],
)
async def test_a_route_without_a_body_takes_none(
    things: AsyncClient,
    method: str,
    url: str,
    raw: bytes,
    media_type: str,
    status: int,
    code: str,
    errors: list[str],
) -> None:
    response = await things.request(method, url, content=raw, headers={"Content-Type": media_type})
    assert [error["pointer"] for error in check(response, status, code)["errors"]] == errors


async def test_a_route_without_a_body_takes_an_empty_one(things: AsyncClient) -> None:
    for raw in (b"", b"{}", b" { } "):
        headers = {"Content-Type": JSON}
        response = await things.post("/api/things/7/archive", content=raw, headers=headers)
        assert response.json() == 7
    assert (await things.post("/api/things/7/archive")).json() == 7
    # What a GET has with it means nothing (RFC 9110, 9.3.1).
    assert (await things.request("GET", "/api/things/7", content=b"x")).json() == 7


async def test_a_route_that_describes_its_body_itself_reads_as_it_likes(things: AsyncClient) -> None:
    response = await things.post("/api/things/stream", content=b"x" * 2_000_000)
    assert response.json() == 2_000_000
