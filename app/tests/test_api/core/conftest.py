import pytest

from app.services.bootstrap import Services
from app.tests.support.factories import Workspace
from app.tests.test_api.core.world import World


@pytest.fixture
def world(services: Services, workspace: Workspace) -> World:
    return World(services, workspace)


@pytest.fixture
def other_world(services: Services, other_workspace: Workspace) -> World:
    return World(services, other_workspace)
