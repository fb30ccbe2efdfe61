import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from httpx2 import ASGITransport, AsyncClient
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.api.errors import install
from app.api.middleware import MAX_HEADER_BYTES, MAX_TARGET_BYTES, RequestLayer
from app.api.requests import StrictRoute
from app.core.config import Environment, Settings
from app.core.logging import configure, get_logger
from app.core.telemetry import Telemetry
from app.tests.support.logs import logging_of_its_own

pytestmark = pytest.mark.anyio
SECRET = "s3cr3t-input"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Login(BaseModel):
    password: str


def build(settings: Settings) -> FastAPI:
    app = FastAPI()
    install(app)
    app.add_middleware(RequestLayer, settings=settings, telemetry=Telemetry())
    router = APIRouter(route_class=StrictRoute, prefix="/items")

    @router.get("/{item_id}")
    async def read(item_id: str, request: Request) -> dict[str, str]:
        request.state.log["actor"] = "user-1"
        request.state.log["workspace"] = "workspace-1"
        get_logger("app.test").info("reading")
        return {"id": item_id, "request_id": request.state.request_id}

    @router.post("")
    async def login(body: Login, token: str = "") -> Login:
        return body

    @router.get("/{item_id}/boom")
    async def boom(item_id: str) -> None:
        raise RuntimeError("the inside")

    outer = APIRouter(prefix="/api")
    outer.include_router(router)
    app.include_router(outer)
    add_pages(app)
    return app


def add_pages(app: FastAPI) -> None:
    @app.get("/page")
    async def page() -> HTMLResponse:
        return HTMLResponse("<p>", headers={"Content-Security-Policy": "default-src 'self'"})

    @app.get("/api/cached")
    async def cached() -> HTMLResponse:
        return HTMLResponse("x", headers={"Cache-Control": "max-age=60"})

    @app.get("/broken")
    async def broken() -> StreamingResponse:
        async def parts() -> Any:
            yield b"some"
            raise RuntimeError("halfway")

        return StreamingResponse(parts())


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    chosen = Settings(_env_file=None, env=Environment.PRODUCTION, data_dir=tmp_path, max_body_bytes=1_000)
    with logging_of_its_own():
        configure(chosen)
        yield chosen


@pytest.fixture
async def client(settings: Settings) -> Any:
    # Exceptions pass through the transport, so that one that escapes the layer fails its test.
    async with AsyncClient(transport=ASGITransport(app=build(settings)), base_url="http://test") as client:
        yield client


def lines(settings: Settings) -> list[dict[str, Any]]:
    text = (settings.data_dir / "logs" / "pastis.log").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


async def test_a_request_has_an_id_everywhere(client: AsyncClient, settings: Settings) -> None:
    response = await client.get("/api/items/7")
    request_id = response.headers["x-request-id"]
    assert len(request_id) == 36
    assert response.json()["request_id"] == request_id
    assert {line["request_id"] for line in lines(settings)} == {request_id}
    assert (await client.get("/api/items/7")).headers["x-request-id"] != request_id


@pytest.mark.parametrize("given", ["abcdefgh", "A.b-c_0" * 9, "x" * 64])
async def test_a_good_id_is_kept(client: AsyncClient, given: str) -> None:
    response = await client.get("/nowhere", headers={"X-Request-ID": given})
    assert response.headers["x-request-id"] == given
    assert response.json()["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "with space", "café" * 3, "semi;colon", "x" * 8 + "\n"]
)
async def test_a_bad_id_is_replaced(client: AsyncClient, given: str) -> None:
    response = await client.get("/nowhere", headers=[(b"x-request-id", given.encode("latin-1"))])
    assert len(response.headers["x-request-id"]) == 36


async def test_the_line_of_a_request(client: AsyncClient, settings: Settings) -> None:
    await client.get("/api/items/7")
    inner, line = lines(settings)
    assert {
        key: line[key] for key in ("event", "method", "route", "status", "actor", "workspace", "level")
    } == {
        "event": "request",
        "method": "GET",
        "route": "/api/items/{item_id}",
        "status": 200,
        "actor": "user-1",
        "workspace": "workspace-1",
        "level": "info",
    }
    assert 0 < line["duration_ms"] < 5_000
    assert inner["actor"] == "user-1"


async def test_head_is_get_without_a_body(client: AsyncClient, settings: Settings) -> None:
    for path, status in (("/api/items/7", 200), ("/nowhere", 404), ("/api/items", 405)):
        got, head = await client.get(path), await client.head(path)
        assert (got.status_code, head.status_code, head.content) == (status, status, b"")
        assert head.headers["content-length"] == got.headers["content-length"] != "0"
    heads = [line for line in lines(settings) if line["event"] == "request" and line["method"] == "HEAD"]
    assert [(line["route"], line["status"]) for line in heads] == [
        ("/api/items/{item_id}", 200),
        (None, 404),
        ("/api/items", 405),
    ]


async def test_refusals_have_their_line(client: AsyncClient, settings: Settings) -> None:
    await client.get("/nowhere")
    await client.patch("/api/items/7")
    await client.get("/page")
    assert [(line["route"], line["status"], line.get("code")) for line in lines(settings)] == [
        (None, 404, "not_found"),
        ("/api/items/{item_id}", 405, "method_not_allowed"),
        ("/page", 200, None),
    ]


async def test_nothing_that_was_sent_is_in_the_log(client: AsyncClient, settings: Settings) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Cookie": f"session={SECRET}", "X-Secret": SECRET}
    await client.post(f"/api/items?token={SECRET}", json={"password": SECRET}, headers=headers)
    await client.post("/api/items", json={"password": [SECRET], SECRET: 1}, headers=headers)
    await client.get(f"/api/items/{SECRET}", headers=headers)
    await client.get(f"/{SECRET}?q={SECRET}", headers=headers)
    assert len(lines(settings)) == 5
    assert SECRET not in json.dumps(lines(settings))


async def test_the_unforeseen_is_answered_and_logged_once(client: AsyncClient, settings: Settings) -> None:
    response = await client.get("/api/items/7/boom", headers={"Accept-Language": "fr"})
    assert response.status_code == 500
    assert "the inside" not in response.text
    assert response.headers["content-language"] == "fr"
    defect, line = lines(settings)
    assert "RuntimeError: the inside" in defect["exception"]
    assert "Traceback" in defect["exception"]
    assert defect["request_id"] == line["request_id"] == response.json()["request_id"]
    assert (defect["level"], line["status"], line["code"]) == ("error", 500, "internal_error")


async def test_the_unforeseen_is_shown_for_debugging(settings: Settings) -> None:
    app = build(settings)
    app.debug = True
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as client:
        response = await client.get("/api/items/7/boom")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "internal_error"
    assert response.json()["debug"][0] == "Traceback (most recent call last):"
    assert response.json()["debug"][-1] == "RuntimeError: the inside"


async def test_a_broken_stream_is_logged_and_left_unfinished(settings: Settings) -> None:
    sent = await call(build(settings), "/broken")
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"]
    defect, line = lines(settings)
    assert "halfway" in defect["exception"]
    assert line["status"] == 200


async def test_headers_of_the_api(client: AsyncClient) -> None:
    headers = (await client.get("/api/items/7")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["strict-transport-security"] == "max-age=31536000"


async def test_problems_have_the_headers_too(client: AsyncClient) -> None:
    for path in ("/api/nowhere", "/api/items/7/boom"):
        headers = (await client.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"


async def test_what_the_application_set_stays(client: AsyncClient) -> None:
    assert (await client.get("/api/cached")).headers.get_list("cache-control") == ["max-age=60"]
    page = (await client.get("/page")).headers
    assert page.get_list("content-security-policy") == ["default-src 'self'"]
    assert "cache-control" not in page


async def test_no_hsts_outside_production(settings: Settings) -> None:
    app = build(settings.model_copy(update={"env": Environment.DEVELOPMENT}))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as client:
        assert "strict-transport-security" not in (await client.get("/page")).headers


async def test_bounds(client: AsyncClient, settings: Settings) -> None:
    fits = "x" * (MAX_TARGET_BYTES - len("/page"))
    assert (await client.get(f"/page?{fits}")).status_code == 200
    response = await client.get(f"/page?{fits}x")
    assert (response.status_code, response.json()["code"]) == (414, "uri_too_long")
    response = await client.get("/page", headers={"X-Long": "x" * MAX_HEADER_BYTES})
    assert (response.status_code, response.json()["code"]) == (431, "headers_too_large")
    assert response.headers["x-frame-options"] == "DENY"
    response = await client.post("/api/items", json={"password": "x" * 1_000})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert [line["status"] for line in lines(settings)] == [200, 414, 431, 413]


async def call(app: Any, path: str, receive: Receive | None = None, method: str = "GET") -> list[Message]:
    """Make a request without a client's help, so that it may break off."""
    sent: list[Message] = []

    async def nothing() -> Message:
        await asyncio.sleep(3_600)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await app(scope, receive or nothing, send)
    return sent


async def test_a_client_that_leaves_is_not_a_defect(settings: Settings) -> None:
    async def leave() -> Message:
        return {"type": "http.disconnect"}

    assert await call(build(settings), "/api/items", leave, "POST") == []
    (line,) = lines(settings)
    assert (line["status"], line["level"]) == (499, "info")


async def test_a_client_that_leaves_during_the_answer(settings: Settings) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        raise ClientDisconnect

    sent = await call(RequestLayer(app, settings, Telemetry()), "/")
    assert dict(sent[0]["headers"])[b"x-frame-options"] == b"DENY"
    assert [line["status"] for line in lines(settings)] == [200]


async def test_a_cancelled_request_has_its_line(settings: Settings) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call(RequestLayer(app, settings, Telemetry()), "/"), 0.01)
    assert [line["status"] for line in lines(settings)] == [499]


async def test_other_scopes_pass_through(settings: Settings) -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    layer = RequestLayer(app, settings, Telemetry())
    await layer({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen.pop() == ({"type": "lifespan"}, None, None)
    assert lines(settings) == []
