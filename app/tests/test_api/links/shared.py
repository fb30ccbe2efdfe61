"""Links in tests."""

from typing import Any

from app.tests.support.clients import Answer, Client, ok
from app.tests.support.factories import Workspace

VISITS = "/api/v1/auth/visits"
LINKS = "/projects/FLUID/links"
PASSWORD = "four words at once"


async def opened(client: Client, link: dict[str, Any], password: str | None = None) -> Answer:
    body = {"token": link["token"]} if password is None else {"token": link["token"], "password": password}
    return await client.at("").as_(None).post(VISITS, body)


async def visitor(workspace: Workspace, link: dict[str, Any], password: str | None = None) -> Client:
    visit = ok(await opened(workspace.api, link, password), 200)
    return workspace.api.as_(visit["access_token"])
