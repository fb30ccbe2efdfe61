"""Logging in as clients do, and looking at what the database keeps of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastapi import FastAPI

from app.core.documents import Doc
from app.models.sessions import Session
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok
from app.tests.support.conventions import LAST_USE
from app.tests.support.factories import PASSWORD


async def log_in(client: Client, user: User, *, remember_me: bool = False) -> dict[str, Any]:
    body = {"email": user.email, "password": PASSWORD, "remember_me": remember_me}
    tokens: dict[str, Any] = ok(await client.post("/api/v1/auth/login", body), 200)
    return tokens


async def refresh(client: Client, tokens: dict[str, Any]) -> dict[str, Any]:
    body = {"refresh_token": tokens["refresh_token"]}
    successors: dict[str, Any] = ok(await client.post("/api/v1/auth/refresh", body), 200)
    return successors


async def works(client: Client, tokens: dict[str, Any]) -> bool:
    """Whether the access token is good."""
    answer = await client.as_(tokens["access_token"]).get("/api/v1/me")
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def sessions_of(services: Services, user: User) -> list[Doc]:
    """All but when they were last used, which is noted now and then, whatever a test does."""
    return await services.database.collection(Session).find({"user_id": user.id}, LAST_USE).to_list()


@asynccontextmanager
async def coming_from(app: FastAPI, address: str) -> AsyncIterator[Client]:
    """Whoever sends from this network address."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
        yield Client(http)
