import pytest

from app.models.users import User
from app.services.access import engine
from app.services.bootstrap import Services
from app.tests.support.clients import Client
from app.tests.support.factories import log_in, make_user


@pytest.fixture
def long_memory(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logins are looked up once an hour: what ends at once ends because the access was told.

    By who ended it: the doorbell, which would ring a moment later, is silent.
    """
    monkeypatch.setattr(engine, "CACHE_SECONDS", 3600.0)
    monkeypatch.setattr(services.doorbell, "_tell", lambda _: None)


@pytest.fixture
async def user(services: Services) -> User:
    """Somebody with the password PASSWORD, in no workspace."""
    return await make_user(services)


@pytest.fixture
async def own(services: Services, anonymous: Client, user: User) -> Client:
    """The user's client, which has just logged in by password."""
    return anonymous.as_(await log_in(services, user))
