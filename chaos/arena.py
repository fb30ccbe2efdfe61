"""A workspace for clients to follow, some of whom see all of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from chaos.rounds import good
from chaos.service import Service

_LIMIT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Arena:
    workspace_id: str
    tokens: list[str]
    """The first is the founder's, who sees everything; then a member's, and a guest's."""

    @property
    def path(self) -> str:
        return f"/api/v1/workspaces/{self.workspace_id}"


async def prepare(services: Sequence[Service]) -> Arena:
    """Projects that all see, that members see, and that only the founder sees."""
    email, password = await services[0].add_account()
    async with httpx2.AsyncClient(base_url=services[0].url, timeout=_LIMIT_SECONDS) as http:
        told = good(await http.post("/api/v1/auth/login", json={"email": email, "password": password}))
        http.headers["Authorization"] = f"Bearer {told['access_token']}"
        made = good(await http.post("/api/v1/workspaces", json={"slug": "chaos", "name": "Fluid Project"}))
        token = good(await http.post("/api/v1/me/tokens", json={"name": "Founder", "scopes": ["*:*"]}))
        http.base_url = httpx2.URL(f"{http.base_url}/api/v1/workspaces/{made['id']}")
        for key, visibility in (("FLUID", "workspace"), ("INFRA", "workspace"), ("SECRET", "private")):
            body = {"key": key, "name": key.title(), "visibility": visibility}
            good(await http.post("/projects", json=body))
        tokens = [token["token"], *[await _helper(http, role) for role in ("member", "guest")]]
    return Arena(made["id"], tokens)


async def _helper(http: httpx2.AsyncClient, role: str) -> str:
    """A service account's token; a guest may work in one project."""
    body = {"type": "service", "display_name": f"Robot {role}", "role": role}
    id_ = good(await http.post("/memberships", json=body))["id"]
    if role == "guest":
        grant = {"membership_id": id_, "role": "contributor"}
        good(await http.post("/projects/FLUID/grants", json=grant))
    made = good(await http.post(f"/memberships/{id_}/tokens", json={"name": role, "scopes": ["*:*"]}))
    return str(made["token"])
