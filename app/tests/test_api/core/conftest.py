from collections.abc import AsyncIterator

import pytest
from httpx2 import ASGITransport, AsyncClient

from app.services.bootstrap import Services
from app.tests.support.factories import Workspace
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.core.things import build
from app.tests.test_api.core.world import World


@pytest.fixture
async def things() -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=build(), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
def world(services: Services, workspace: Workspace, provider: OpenIdProvider) -> World:
    return World(services, workspace, provider)


@pytest.fixture
def other_world(services: Services, other_workspace: Workspace, provider: OpenIdProvider) -> World:
    return World(services, other_workspace, provider)
