import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.factories import make_user


@pytest.fixture
async def user(services: Services) -> User:
    """Somebody with the password PASSWORD, in no workspace and not logged in."""
    return await make_user(services)
