"""What the database keeps."""

import pytest

from app.services.bootstrap import Services
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept


@pytest.fixture
def kept(services: Services, workspace: Workspace) -> Kept:
    return Kept(services, workspace)
