"""One real mongod for the whole run, one database for each worker, one application for each worker."""

import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from coverage import Coverage
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from app.core import security
from app.core.config import Environment, Settings
from app.core.database.embedded import EmbeddedDatabase, open_embedded
from app.core.database.engine import Database
from app.main import create_app
from app.services.audit import AuditFollower
from app.services.bootstrap import Services
from app.tests.support.clients import Client
from app.tests.support.clock import TestClock
from app.tests.support.copies import copy_workspace
from app.tests.support.depth import examples
from app.tests.support.factories import Workspace
from app.tests.support.openid_provider import OpenIdProvider

settings.register_profile(
    "ci",
    deadline=None,  # they judge answers, not the speed of a busy machine
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("ci")

SERVER = pytest.StashKey[tuple[EmbeddedDatabase, Path]]()
URL = "PASTIS_TEST_DATABASE_URL"
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 8 * 2**30
SECRET = "a secret of the tests, long enough for anything"


def pytest_configure(config: pytest.Config) -> None:
    """Start the server once, in the process that the workers belong to; they inherit its address."""
    if hasattr(config, "workerinput") or URL in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="pastis-tests-", dir=_memory()))
    server = open_embedded(folder)
    if sys.dont_write_bytecode:  # each process that a test starts would compile the program anew
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    config.stash[SERVER] = (server, folder)
    os.environ[URL] = server.url


def _memory() -> Path | None:
    """Where the server's files need no disk, whose syncs tests wait for; None where that is too small."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES
    return MEMORY if roomy and os.access(MEMORY, os.W_OK) else None


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVER in config.stash:
        server, folder = config.stash[SERVER]
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
        del os.environ[URL]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """Coverage rests where nothing new is run: it makes a test take up to five times as long."""
    coverage = Coverage.current() if item.get_closest_marker("uncounted") else None
    if coverage is None:
        return (yield)
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def session_provider() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    yield provider
    provider.close()


@pytest.fixture
def provider(session_provider: OpenIdProvider) -> Iterator[OpenIdProvider]:
    """The provider of the application, good again after each test."""
    yield session_provider
    session_provider.reset()


@pytest.fixture(scope="session")
def test_settings(
    worker_id: str, tmp_path_factory: pytest.TempPathFactory, session_provider: OpenIdProvider
) -> Settings:
    return Settings(
        env=Environment.TEST,
        database_url=SecretStr(os.environ[URL]),
        database_name=f"test_{worker_id}",
        data_dir=tmp_path_factory.mktemp("pastis"),
        secret=SecretStr(SECRET),
        oidc_providers=SecretStr(json.dumps([session_provider.config(create_accounts=True)])),
        rate_limit_per_minute=0,
        anonymous_rate_limit_per_minute=0,
        _env_file=None,
    )


@pytest.fixture(scope="session")
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hashes of the same kind for a thousandth of the work; what servers use, test_security.py says."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(security, "_PASSWORDS", quick)
        patch.setattr(security, "_NOBODY", quick.hash("nobody's"))
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_followed() -> Iterator[None]:
    """Each application would copy all that all tests did to the audit log; its own tests have it follow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AuditFollower, "start", lambda _self: None)
        yield


@pytest.fixture(autouse=True)
def real_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that turns the clock leaves it as it was."""
    yield
    if "clock" in request.fixturenames:
        request.getfixturevalue("clock").reset()


@pytest.fixture(scope="session")
async def app(test_settings: Settings, clock: TestClock, anyio_backend: Any) -> AsyncIterator[FastAPI]:
    # Before the application starts, whose indexes cannot be made while the database is being dropped.
    database = Database.connect(test_settings)
    try:
        await database.client.drop_database(database.name)
    finally:
        await database.close()  # an open connection keeps uvloop's loop from closing
    application = create_app(test_settings, clock)
    async with application.router.lifespan_context(application):
        services: Services = application.state.services
        await services.until_ready()
        yield application


@pytest.fixture(scope="session")
def services(app: FastAPI) -> Services:
    found: Services = app.state.services
    return found


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[Client]:
    # Each test comes from a network of its own, so that none guesses on another's account.
    address = f"2001:db8:{secrets.randbits(16):x}:{secrets.randbits(16):x}::1"
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
        yield Client(http)


@pytest.fixture
async def workspace(services: Services, anonymous: Client) -> Workspace:
    """A workspace of its own, with an owner, an admin, a member, and a project FLUID."""
    return await copy_workspace(services, anonymous)


@pytest.fixture
async def other_workspace(services: Services, anonymous: Client) -> Workspace:
    return await copy_workspace(services, anonymous)
