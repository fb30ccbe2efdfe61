"""Bad requests, made from valid ones, and what must come of them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.core.errors import STATUS, ErrorCode
from app.tests.support.clients import Answer, Client
from app.tests.support.conventions import unchanged
from app.tests.test_api.core.places import Values
from app.tests.test_api.core.routes import (
    JSON,
    Operation,
)
from app.tests.test_api.core.world import World, sent_as

ABSENT = "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01"
EVENTS = 99_999


class Attempts:
    """Bad requests to one route, from a valid one; collects what was not refused as it should be."""

    def __init__(self, world: World, operation: Operation, values: Values, body: Any) -> None:
        self.world = world
        self.operation = operation
        self.values = values
        self.body = body
        self.wrong: list[str] = []

    @property
    def path(self) -> str:
        return self.operation.path.format(**self.values)

    async def send(self, client: Client | None = None, **options: Any) -> Answer:
        """The valid request, other where the options say so."""
        method = options.pop("method", self.operation.method)
        path = options.pop("path", self.path)
        if self.body is not None and not options.keys() & {"json", "data", "content", "files"}:
            sent = sent_as(self.operation, self.body)
            headers = {**sent.pop("headers", {}), **options.pop("headers", {})}
            options |= {**sent, "headers": headers}
        if "json" in options:  # with escapes, since some texts cannot be encoded
            options["content"] = json.dumps(options.pop("json")).encode()
            options["headers"] = {"Content-Type": JSON, **options.get("headers", {})}
        return await (client or self.world.owner).request(method, path, **options)

    def expect(self, answer: Answer, what: object, *codes: ErrorCode, declared: bool = True) -> None:
        """Hold the answer to these refusals, which the description of the route must know."""
        problem = answer.json() if answer.content else {}
        known = answer.headers.get("content-type") == "application/problem+json"
        right = known and problem["code"] in codes and answer.status_code == STATUS[problem["code"]]
        if not right or problem["status"] != answer.status_code:
            self.wrong.append(f"{what!r:.100}: {answer.status_code} {answer.text[:200]}")
        elif declared and problem["code"] not in self.operation.problems.get(answer.status_code, ()):
            self.wrong.append(f"{what!r:.100}: {problem['code']} is not declared")


@asynccontextmanager
async def attempts(world: World, operation: Operation) -> AsyncIterator[Attempts]:
    values = await world.values(operation)
    found = Attempts(world, operation, values, await world.body(operation, values))
    async with unchanged(world.services, world.workspace):
        yield found
    assert not found.wrong, "\n".join(found.wrong)
