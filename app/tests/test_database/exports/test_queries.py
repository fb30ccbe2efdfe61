"""An export reads off indexes, a batch at a time."""

import pytest

from app.core.database.engine import Database
from app.services.exports import queries
from app.tests.support.commands import Commands, explained, stages
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio

FORBIDDEN = {"COLLSCAN", "SORT", "scan", "sort"}


@pytest.fixture
async def some_tasks(workspace: Workspace) -> Workspace:
    for number in range(7):
        await workspace.comment(await workspace.task(f"Uploader: file {number} is not announced"))
    return workspace


async def test_nothing_is_sorted_and_nothing_read_whole(
    watched_database: tuple[Database, Commands], some_tasks: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "BATCH", 3)
    database, commands = watched_database
    async with queries.view(database, some_tasks.id) as view:
        assert await view.head() is not None
        commands.take()
        for model, order in queries.ORDER:
            kinds = [doc async for doc in view.documents(model, order)]
            first, *more = commands.take()
            assert first["batchSize"] == 3
            assert [one["batchSize"] for one in more] == [3] * (len(kinds) // 3)
            found = stages(await explained(database, first))
            commands.take()
            assert not found & FORBIDDEN, (model, found)
        assert [event["seq"] async for event in view.events()][:3] == [1, 2, 3]
        assert not stages(await explained(database, commands.take()[0])) & FORBIDDEN
