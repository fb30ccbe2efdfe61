"""The check finds what is not as its log says."""

import pytest

from app.core.log import Event
from app.models.labels import Label
from app.models.tasks import Task
from app.services.bootstrap import Services
from app.services.integrity import Report, check_workspace
from app.tests.support.clients import ok
from app.tests.support.factories import Workspace
from app.tests.support.replay import head

pytestmark = pytest.mark.anyio


async def check(services: Services, workspace: Workspace) -> Report:
    return await check_workspace(services.database, workspace.id, await head(services.database, workspace.id))


async def test_a_worked_on_workspace_is_good(services: Services, workspace: Workspace) -> None:
    task = await workspace.task()
    label = await workspace.label()
    ok(await workspace.api.patch(f"/tasks/{task['id']}", {"label_ids": [label["id"]]}))
    ok(await workspace.api.delete(f"/labels/{label['id']}"))
    report = await check(services, workspace)
    assert report.good
    assert report.events == report.head > 5
    assert report.documents > 5


async def test_a_missing_event_is_a_gap(services: Services, workspace: Workspace) -> None:
    first = await workspace.label("One")
    second = await workspace.label("Two")
    ok(await workspace.api.patch(f"/labels/{first['id']}", {"name": "Three"}))
    query = {"workspace_id": workspace.id, "seq": second["version"]}
    await services.database.collection(Event).delete_one(query)
    report = await check(services, workspace)
    assert report.gaps == [second["version"]]
    assert report.differences == [f"label {second['id']}: in the database, not in the log"]
    assert not report.good


async def test_changed_and_missing_documents_are_differences(
    services: Services, workspace: Workspace
) -> None:
    task, label = await workspace.task(), await workspace.label()
    await services.database.collection(Task).update_one({"_id": task["id"]}, {"$set": {"title": "By hand"}})
    await services.database.collection(Label).delete_one({"_id": label["id"]})
    report = await check_workspace(services.database, workspace.id, label["version"])
    assert report.differences == [
        f"label {label['id']}: in the log, not in the database",
        f"task {task['id']}: title unlike the log",
    ]
    assert report.gaps == []


async def test_a_head_ahead_of_the_log_is_not_good(services: Services, workspace: Workspace) -> None:
    report = await check(services, workspace)
    assert not (await check_workspace(services.database, workspace.id, report.head + 1)).good


async def test_a_task_that_lists_would_not_find_is_a_difference(
    services: Services, workspace: Workspace
) -> None:
    task = await workspace.task()
    tasks = services.database.collection(Task)
    await tasks.update_one({"_id": task["id"]}, {"$set": {"derived.lists": []}})
    report = await check(services, workspace)
    assert report.differences == [f"task {task['id']}: derived unlike its other fields"]
