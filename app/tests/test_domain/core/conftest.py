"""A workspace for commands alone."""

import pytest

from app.services.bootstrap import Services
from app.tests.support.bench import Bench, make_bench


@pytest.fixture
async def bench(services: Services) -> Bench:
    return await make_bench(services)
