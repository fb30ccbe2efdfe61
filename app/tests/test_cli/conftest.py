"""Commands run without the settings of the machine, in a folder of their own."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from fastapi import FastAPI

from app.core.config import Settings, variable
from app.tests.support.logs import logging_of_its_own
from app.tests.support.serving import served


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    # Where rich would take the terminal's width from.
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("PASTIS_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _logging_of_its_own() -> Iterator[None]:
    with logging_of_its_own():
        yield


@pytest.fixture
def small_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API that needs no database stands for the real one."""
    module = ModuleType("app.main")
    module.create_app = lambda _: FastAPI(title="Small", version="9")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.main", module)


@pytest.fixture(scope="session")
async def url(app: FastAPI) -> AsyncIterator[str]:
    """Where the application is served."""
    async with served(app) as found:
        yield found
