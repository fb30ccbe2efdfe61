"""Every route against tokens: one for just what it asks, and one for all the rest."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.api.gate import Requires
from app.models.permissions import OF_PROJECTS, Permission
from app.services.access.rules import scoped
from app.tests.support.clients import refused
from app.tests.test_api.core.routes import OPERATIONS, Operation
from app.tests.test_api.core.world import World, sent_as

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

EVERYTHING = "*:*"
MORE = {
    "batch_tasks": "task:*",  # what each operation does
    "create_grant": EVERYTHING,  # nobody gives what they do not have
    "create_link": EVERYTHING,
    "create_import": EVERYTHING,  # makes all that an archive holds
    "delete_comment": "comment:moderate",  # another's
    "delete_grant": EVERYTHING,
    "delete_membership": "membership:delete",  # another's
    "get_event": "task:read",  # what the event did
    "list_task_activity": "task:read",
    "undo_event": "task:update",
    "update_comment": "comment:moderate",
    "update_grant": EVERYTHING,
    "update_link": EVERYTHING,
}
"""What a route needs beside its own permission."""


_PARTS = {one.resource for one in OF_PROJECTS}
ALWAYS = scoped(()) or frozenset()


@pytest.fixture(scope="module")
def required(app: FastAPI) -> dict[str, Requires]:
    found: dict[str, Requires] = {}
    for context in iter_route_contexts(app.router.routes):
        dependant: Any = getattr(context, "dependant", None)
        for dependency in dependant.dependencies if dependant else ():
            if isinstance(dependency.call, Requires):
                found[str(context.name)] = dependency.call
    return found


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if "workspace" in one.segments], ids=str)
async def test_scopes(operation: Operation, world: World, required: dict[str, Requires]) -> None:
    needs = required[operation.id]
    assert needs.permission in ALWAYS or not await _reached(operation, world, needs.permission)
    fitting = (str(needs.permission), *filter(None, [MORE.get(operation.id)]))
    answer = await world.call(operation, await world.workspace.token(world.services, "owner", *fitting))
    if needs.recent:
        refused(answer, 403, "login_required")
    else:
        assert answer.status_code == operation.success, answer.text


async def _reached(operation: Operation, world: World, permission: Permission) -> bool:
    """Whether a token for everything else gets anything, or changes anything."""
    client = await world.workspace.token(world.services, "owner", *_all_but(permission))
    values = await world.values(operation)
    body = await world.body(operation, values)
    before = await world.digest()
    path = operation.path.format(**values)
    answer = await client.request(operation.method, path, **sent_as(operation, body))
    assert await world.digest() == before
    if answer.status_code == 403:
        detail = refused(answer, 403, "permission_denied")["detail"]
        assert permission.reads or detail == f"This needs the permission {permission}."
        return False
    # What of projects one may not read is not there.
    return answer.status_code != 404 and b'"items":[]' not in answer.content


def _all_but(permission: Permission) -> list[str]:
    """Every scope that does not bring this permission with it."""
    left = [one for one in Permission if one != permission]
    if permission.reads:
        left = [one for one in left if one.resource != permission.resource]
    if permission is Permission.TASK_READ:
        left = [one for one in left if one.resource != "comment"]
    if permission in (Permission.PROJECT_READ, Permission.STATUS_READ):
        left = [one for one in left if one.resource not in _PARTS]
    return [str(one) for one in left]
