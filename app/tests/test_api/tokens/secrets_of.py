"""API tokens in tests."""

from typing import Any

from app.tests.support.clients import Client, ok
from app.tests.support.factories import Workspace

MINE = "/api/v1/me/tokens"


async def made(client: Client, path: str = MINE, **fields: Any) -> dict[str, Any]:
    """A new token, with its secret."""
    body = {"name": "Nightly report", "scopes": ["task:read"], **fields}
    token: dict[str, Any] = ok(await client.post(path, body), 201)
    return token


async def service_account(workspace: Workspace, role: str = "member") -> str:
    """The path of the tokens of a new service account, below the workspace's."""
    body = {"type": "service", "display_name": "Nightly build", "role": role}
    membership = ok(await workspace.api.post("/memberships", body), 201)
    return f"/memberships/{membership['id']}/tokens"
