"""Imports through the engine."""

import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.core.documents import Doc
from app.models.comments import Comment
from app.models.labels import Label
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.statuses import Status
from app.models.tasks import Task
from app.services.access import Scope
from app.services.bootstrap import Services
from app.services.imports import Archive, ImportEngine, ImportOptions, Run
from app.tests.support.factories import Workspace

Import = Callable[..., Awaitable[Run]]


class Content:
    """What a workspace holds, by what people call it."""

    def __init__(self, services: Services, workspace_id: str) -> None:
        self._services = services
        self._workspace_id = workspace_id

    async def all(self, model: Any) -> list[Doc]:
        found = self._services.database.collection(model).find({"workspace_id": self._workspace_id})
        return await found.sort("_id").to_list()

    async def task(self, key: str) -> Doc:
        return next(doc for doc in await self.all(Task) if doc["key"] == key)

    async def comments(self, key: str) -> list[Doc]:
        task = await self.task(key)
        return [doc for doc in await self.all(Comment) if doc["task_id"] == task["_id"]]

    async def names(self, model: Any) -> dict[str, str]:
        """Names by id."""
        field = "display_name" if model is Membership else "name"
        return {doc["_id"]: doc[field] for doc in await self.all(model)}

    async def counts(self) -> dict[str, int]:
        models = (Project, Status, Label, Membership, Task, Comment)
        return {model.KIND: len(await self.all(model)) for model in models}


@pytest.fixture
async def scope(services: Services, workspace: Workspace) -> Scope:
    return await services.access.act_for(workspace.users["owner"], workspace.id, {"channel": "cli"})


@pytest.fixture
def content(services: Services, workspace: Workspace) -> Content:
    return Content(services, workspace.id)


@pytest.fixture
def do_import(scope: Scope) -> Import:
    """Import these bytes and give the run at its end."""

    async def perform(data: bytes, **options: Any) -> Run:
        engine = ImportEngine(scope)
        run, _ = await engine.begin(ImportOptions("fluid.jsonl", **options))
        assert run is not None
        await engine.execute(run, Archive(io.BytesIO(data)))
        return run

    return perform
