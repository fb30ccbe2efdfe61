"""What is sensitive asks for a login that was proven lately, on every route that says so."""

from datetime import timedelta

import pytest
from fastapi.routing import iter_route_contexts

from app.api.gate import Requires, RequiresAccount
from app.core.config import Environment, Settings
from app.core.errors import ErrorCode
from app.main import create_app
from app.models.sessions import Session
from app.services.access.rules import RECENT
from app.tests.support.clients import refused
from app.tests.support.conventions import unchanged
from app.tests.test_api.core.routes import BY_ID, OPERATIONS, Operation
from app.tests.test_api.core.world import World, sent_as

pytestmark = pytest.mark.anyio


def declared() -> list[Operation]:
    """The routes that ask for it, as they say."""
    app = create_app(Settings(env=Environment.TEST, _env_file=None))
    return [
        BY_ID[str(context.name)]
        for context in iter_route_contexts(app.router.routes)
        for dependency in getattr(getattr(context, "dependant", None), "dependencies", ())
        if isinstance(dependency.call, Requires | RequiresAccount) and dependency.call.recent
    ]


SENSITIVE = declared()


def test_what_protects_an_account_is_sensitive() -> None:
    protecting = {
        *("create_email_change", "create_passkey", "create_totp", "delete_me", "delete_totp"),
        "update_password",
    }
    assert protecting <= {one.id for one in SENSITIVE}


def test_the_description_tells_of_it() -> None:
    code = ErrorCode.REAUTHENTICATION_REQUIRED
    told = [one.id for one in OPERATIONS if code in one.problems.get(403, ())]
    assert sorted(told) == sorted(one.id for one in SENSITIVE)


@pytest.mark.parametrize("operation", SENSITIVE, ids=str)
async def test_an_old_login_is_not_enough(operation: Operation, world: World) -> None:
    values = await world.values(operation)
    body = await world.body(operation, values)
    services, user_id = world.services, world.workspace.users["owner"].id
    long_ago = services.clock.now() - RECENT - timedelta(minutes=1)
    sessions = services.database.collection(Session)
    await sessions.update_many({"user_id": user_id}, {"$set": {"authenticated_at": long_ago}})
    services.access.forget_user(user_id)
    async with unchanged(services, world.workspace):
        path = operation.path.format(**values)
        answer = await world.owner.request(operation.method, path, **sent_as(operation, body))
        refused(answer, 403, ErrorCode.REAUTHENTICATION_REQUIRED)
