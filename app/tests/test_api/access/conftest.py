from collections.abc import Iterator

import pytest

from app.core.config import Settings
from app.services.access import engine
from app.tests.test_api.access.processes import Processes


@pytest.fixture(scope="package")
def processes(test_settings: Settings) -> Iterator[Processes]:
    """Two processes that go on believing what they have looked up until somebody tells them otherwise."""
    patch = pytest.MonkeyPatch()
    patch.setattr(engine, "CACHE_SECONDS", 3600.0)
    name = f"{test_settings.database_name}_access"
    # Each world has thousands of requests, of which its own trace tells more than the log.
    found = Processes(test_settings.model_copy(update={"database_name": name, "log_level": "ERROR"}))
    found.open()
    yield found
    found.close()
    patch.undo()
