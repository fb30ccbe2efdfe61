"""A valid request for every route, and what it leaves behind.

A route that is not known here fails the tests that ask something of all routes.
"""

import inspect
import itertools
from typing import Any

import anyio

from app.models.grants import ProjectRole
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.conventions import digest
from app.tests.support.factories import Workspace, log_in, make_user
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.core.bodies import BODIES
from app.tests.test_api.core.places import AHEAD, OWN_PLACES, PLACES, Values, new_project
from app.tests.test_api.core.routes import JSON, Operation


class World:
    """A workspace of which any part can be had anew."""

    def __init__(self, services: Services, workspace: Workspace, provider: OpenIdProvider) -> None:
        self.services = services
        self.workspace: Workspace = workspace
        self.provider = provider
        self.owner = workspace.api.at("")
        self.caller = self.owner
        """Whose own things a request about oneself needs."""
        self.base = f"/api/v1/workspaces/{workspace.id}"
        self.project = "FLUID"
        self.visibility = "workspace"
        self._grantees: dict[str, tuple[str, Client]] = {}
        self._numbers = itertools.count(1)

    def number(self) -> int:
        return next(self._numbers)

    async def made(self, path: str, body: Any, client: Client | None = None) -> str:
        """The id of something new in the workspace."""
        return str(ok(await (client or self.owner).post(self.base + path, body), 201)["id"])

    async def values(self, operation: Operation) -> Values:
        """New things for all places of a route's path."""
        values: Values = {}
        if operation.id in AHEAD:
            await AHEAD[operation.id](self)
        for name in operation.segments:
            place = OWN_PLACES.get((operation.id, name), PLACES[name])
            values[name] = await place(self, values)
        return values

    async def body(self, operation: Operation, values: Values) -> Any:
        """A body that the route accepts, or None where it takes none."""
        if operation.media_type is None:
            return None
        body = BODIES[operation.id](self, values)
        return await body if inspect.isawaitable(body) else body

    async def call(self, operation: Operation, client: Client) -> Answer:
        """A valid request; what it sets going has come to its end."""
        self.caller = client
        values = await self.values(operation)
        body = await self.body(operation, values)
        path = operation.path.format(**values)
        answer = await client.request(operation.method, path, **sent_as(operation, body))
        await self.settled(answer)
        return answer

    async def settled(self, answer: Answer) -> None:
        """Wait for what goes on after the answer."""
        if answer.status_code == 202 and "location" in answer.headers:
            await self.ended(answer.headers["location"])

    async def ended(self, location: str) -> None:
        """Wait for an import."""
        for _ in range(2000):
            if ok(await self.owner.get(location))["state"] != "running":
                return
            await anyio.sleep(0.02)
        raise AssertionError("the import does not end")

    async def former_member(self) -> Client:
        """Somebody who was an admin until now."""
        user = await make_user(self.services, "Jon Hung")
        client = self.owner.as_(await log_in(self.services, user))
        membership = await self.made("/memberships", {"email": user.email, "role": "admin"})
        ok(await client.get(self.base))
        ok(await self.owner.delete(f"{self.base}/memberships/{membership}"))
        return client

    async def grantees(self) -> dict[str, Client]:
        """A guest for each role in projects, who has it in all of this world's."""
        if not self._grantees:
            for role in ProjectRole:
                user = await make_user(self.services, f"Guest who is a {role}")
                membership = await self.made("/memberships", {"email": user.email, "role": "guest"})
                client = self.owner.as_(await log_in(self.services, user))
                self._grantees[role.value] = (membership, client)
            await self.grant(self.project)
        return {role: client for role, (_, client) in self._grantees.items()}

    async def grant(self, project: str) -> None:
        for role, (membership, _) in self._grantees.items():
            body = {"membership_id": membership, "role": role}
            await self.made(f"/projects/{project}/grants", body)

    async def hidden(self) -> "World":
        """The same workspace, where everything of projects is in private ones."""
        world = World(self.services, self.workspace, self.provider)
        world.visibility = "private"
        world._numbers = self._numbers
        world.project = await new_project(world, {})
        return world

    async def digest(self) -> str:
        """Changes with every document of the workspace, and of the accounts in it and their logins."""
        return await digest(self.services, self.workspace)


def sent_as(operation: Operation, body: Any) -> dict[str, Any]:
    """How a body travels: the options of the client's request."""
    if body is None:
        return {}
    ways = {JSON: "json", "multipart/form-data": "files", "application/x-www-form-urlencoded": "data"}
    assert operation.media_type is not None
    if operation.media_type.startswith("image/"):
        return {"content": body, "headers": {"Content-Type": operation.media_type}}
    return {ways[operation.media_type]: body}
