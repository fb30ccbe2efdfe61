"""Logins of one person on several devices."""

from typing import Any

from app.models.users import User
from app.tests.support.clients import Client, ok
from app.tests.support.factories import PASSWORD

PATH = "/api/v1/me/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


async def on_device(client: Client, user: User, agent: str = FIREFOX) -> Client:
    """Logged in with this user agent."""
    body = {"email": user.email, "password": PASSWORD}
    answer = await client.post("/api/v1/auth/login", body, headers={"User-Agent": agent})
    return client.as_(ok(answer, 200)["access_token"])


async def listed(client: Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(await client.get(PATH), 200)["items"]
    return items


async def own_id(client: Client) -> str:
    """The id of the login that the client uses."""
    (one,) = [one["id"] for one in await listed(client) if one["current"]]
    return str(one)
