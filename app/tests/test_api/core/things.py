"""An API of nothing but things, which refuses in every way that there is."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, File, Form, Header, HTTPException, Path, Query, Request
from httpx2 import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.api.errors import install
from app.api.requests import StrictRoute
from app.core.errors import ErrorCode, PastisError
from app.schemas.problems import Problem

SECRET = "s3cr3t-input"


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

    @router.post("/{number}/archive")
    async def archive(number: int) -> int:
        return number

    @router.post("/stream", openapi_extra={"requestBody": {"content": {"text/plain": {}}}})
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
