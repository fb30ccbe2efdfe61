"""What ends in this process is forgotten in it at once, and not when the database rings."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.models.sessions import Session
from app.models.users import User
from app.services.bootstrap import Services
from app.services.sessions import SessionEngine
from app.tests.support.factories import make_user

pytestmark = pytest.mark.anyio


class Told:
    """In the place of the access: what it is told to forget."""

    def __init__(self) -> None:
        self.credentials: list[str] = []
        self.users: list[str] = []
        self.forget_credential = self.credentials.append
        self.forget_user = self.users.append


@pytest.fixture
async def user(services: Services) -> User:
    return await make_user(services)


async def changed(services: Services, user: User, verb: Callable[..., Awaitable[Any]]) -> tuple[Told, str]:
    told: Any = Told()
    audit, secrets = services.audit, services.secrets
    engine = SessionEngine(services.database, told, services.settings, secrets, services.clock, audit)
    await engine.open(user.id, remember_me=False, client="tests")
    session = await services.database.collection(Session).find_one({"user_id": user.id})
    assert session is not None
    await verb(engine, session["_id"])
    return told, session["_id"]


@pytest.mark.parametrize(
    "verb",
    [
        lambda engine, session_id: engine.end(session_id),
        lambda engine, session_id: engine.prove(session_id),
        lambda engine, session_id: engine.strengthen(session_id, ("otp",)),
    ],
    ids=["end", "prove", "strengthen"],
)
async def test_a_login_that_changes_is_forgotten(services: Services, user: User, verb: Any) -> None:
    told, session_id = await changed(services, user, verb)
    assert told.credentials == [session_id]


async def test_all_logins_of_a_user_are(services: Services, user: User) -> None:
    told, _ = await changed(services, user, lambda engine, _: engine.end_all(user.id))
    assert told.users == [user.id]
    told, _ = await changed(services, user, lambda engine, kept: engine.end_others(user.id, kept))
    assert told.users == [user.id]
