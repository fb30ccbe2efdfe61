"""The application lets go of the database, however it ends."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import FastAPI
from odmantic import Model
from pymongo.errors import InvalidOperation

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.unit_of_work import Writers
from app.main import create_app
from app.services.bootstrap import Services

pytestmark = pytest.mark.anyio


class BadLayoutError(Exception):
    pass


async def life(app: FastAPI) -> Database:
    """From the start to the end of an application that starts; gives what it was connected to."""
    async with app.router.lifespan_context(app):
        services: Services = app.state.services
        assert await services.database.is_ready()
    return services.database


async def is_open(database: Database) -> bool:
    try:
        await database.client.admin.command("ping")
    except InvalidOperation:  # the driver's word for a client that was closed
        return False
    return True


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> None:
    async def create_indexes(_self: Database, _models: Sequence[type[Model]]) -> Any:
        raise BadLayoutError

    monkeypatch.setattr(Database, "create_indexes", create_indexes)


async def test_at_its_end(services: Services, test_settings: Settings) -> None:
    assert await is_open(services.database)
    assert not await is_open(await life(create_app(test_settings)))


@pytest.mark.usefixtures("fail")
async def test_when_it_may_not_start(services: Services, test_settings: Settings) -> None:
    app = create_app(test_settings)
    with pytest.raises(BadLayoutError):
        await life(app)
    assert not await is_open(app.state.services.database)


@pytest.mark.usefixtures("fail")
async def test_when_the_database_turned_out_bad_only_later(
    services: Services, test_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start does not wait for a database that is away, so that it may fail while requests are served."""
    monkeypatch.setattr("app.main.RETRY_SECONDS", 0)
    assert not await is_open(await life(create_app(test_settings)))


async def test_a_commit_that_the_database_holds_up_does_not_keep_it_open(
    services: Services, test_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held_up(_self: Writers) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(Writers, "close", held_up)
    monkeypatch.setattr("app.services.bootstrap.FINISH_SECONDS", 0.1)
    assert not await is_open(await life(create_app(test_settings)))
