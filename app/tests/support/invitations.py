"""Inviting, and coming in."""

from typing import Any

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.factories import Workspace, log_in, make_user

PATH = "/api/v1/invitations"


async def invite(workspace: Workspace, client: Client | None = None, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = ok(await (client or workspace.api).post("/invitations", body), 201)
    return made


def token_of(made: dict[str, Any]) -> str:
    """The token of a link."""
    return str(made["link"]).partition("#token=")[2]


async def link(workspace: Workspace, client: Client | None = None, **body: Any) -> str:
    """The token of a new link."""
    return token_of(await invite(workspace, client, **body))


async def newcomer(services: Services, anonymous: Client, name: str = "Heidi") -> tuple[User, Client]:
    """Somebody with an account and in no workspace."""
    user = await make_user(services, name)
    return user, anonymous.as_(await log_in(services, user))


async def accept(client: Client, token: str, **options: Any) -> Answer:
    return await client.at("").post(f"{PATH}/accept", {"token": token}, **options)


async def preview(client: Client, token: str) -> Answer:
    return await client.at("").post(f"{PATH}/preview", {"token": token})


async def placeholder(workspace: Workspace, name: str = "Yura Zenevich", role: str = "member") -> str:
    body = {"display_name": name, "role": role}
    return str(ok(await workspace.api.post("/memberships", body), 201)["id"])
