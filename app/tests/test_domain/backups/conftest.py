"""An installation whose backups are made, and a workspace in it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core.config import Settings
from app.services.backups import restores
from app.services.bootstrap import Services
from app.tests.support.backups import clear, empty, installation
from app.tests.support.clients import Client
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace, found_workspace


@pytest.fixture(scope="session")
async def installed(
    test_settings: Settings, clock: TestClock, anyio_backend: Any
) -> AsyncIterator[tuple[Services, Client]]:
    async with installation(test_settings, clock) as found:
        yield found


@pytest.fixture
async def origin(installed: tuple[Services, Client]) -> tuple[Services, Client]:
    """Without any data."""
    await clear(installed[0].database)
    return installed


@pytest.fixture
def services(origin: tuple[Services, Client]) -> Services:
    return origin[0]


@pytest.fixture
async def workspace(origin: tuple[Services, Client]) -> Workspace:
    return await found_workspace(*origin)


@pytest.fixture
async def copy(test_settings: Settings, clock: TestClock) -> AsyncIterator[Services]:
    """Where it is restored."""
    async with empty(test_settings, clock) as found:
        yield found


@pytest.fixture
def all_indexes() -> None:
    """Restores make all indexes, as they do outside of tests."""


@pytest.fixture(autouse=True)
def _few_indexes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred indexes take longer to make than all else together."""
    if "all_indexes" not in request.fixturenames:
        monkeypatch.setattr(restores, "DOCUMENTS", ())
