from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI

from app.core.config import Settings
from app.main import create_app
from app.services.bootstrap import Services
from app.services.sync import catch_up, ring
from app.tests.support.clock import TestClock
from app.tests.test_api.sync.pair import Pair


@pytest.fixture
async def other_app(app: FastAPI, test_settings: Settings, clock: TestClock) -> AsyncIterator[FastAPI]:
    """Another process on the same database, as far as both can tell."""
    other = create_app(test_settings, clock)
    async with other.router.lifespan_context(other):
        services: Services = other.state.services
        await services.until_ready()
        yield other


@pytest.fixture
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is read from the log, and what documents must tell, comes up in a short history too."""
    monkeypatch.setattr(ring, "LENGTH", 4)
    monkeypatch.setattr(catch_up, "MOST_EVENTS", 12)


@pytest.fixture(scope="package")
def pair(test_settings: Settings) -> Iterator[Pair]:
    name = f"{test_settings.database_name}_sync"
    # Each world has thousands of requests, of which its own trace tells more than the log.
    found = Pair(test_settings.model_copy(update={"database_name": name, "log_level": "ERROR"}))
    found.run(found.open())
    yield found
    found.end()
