"""What the database keeps, and a second project."""

from typing import Any

import pytest

from app.services.bootstrap import Services
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.tests.support.scenarios import second_project


@pytest.fixture
def kept(services: Services, workspace: Workspace) -> Kept:
    return Kept(services, workspace)


@pytest.fixture
async def infra(workspace: Workspace) -> dict[str, Any]:
    """The project INFRA, beside FLUID."""
    return await second_project(workspace)
