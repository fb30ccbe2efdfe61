"""POST /tasks/{task}/archive, .../unarchive, .../restore and DELETE /tasks/{task}."""

from typing import Any

import pytest

from app.models.comments import Comment
from app.models.tasks import Task
from app.tests.support.clients import Answer, ok, refused
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

ACTIVE, ARCHIVED, TRASHED = "active", "archived", "trashed"


async def act(workspace: Workspace, verb: str, task: dict[str, Any], **options: Any) -> Answer:
    path = f"/tasks/{task['key']}"
    if verb == "delete":
        return await workspace.api.delete(path, **options)
    return await workspace.api.post(f"{path}/{verb}", **options)


async def listed(workspace: Workspace, state: str) -> list[str]:
    return [one["id"] for one in ok(await workspace.api.get(f"/tasks?state={state}"))["items"]]


@pytest.mark.parametrize(
    ("verbs", "state", "refusal"),
    [
        (["archive"], ARCHIVED, None),
        (["archive", "unarchive"], ACTIVE, None),
        (["archive", "archive"], ARCHIVED, ARCHIVED),
        (["unarchive"], ACTIVE, None),
        (["delete"], TRASHED, None),
        (["delete", "restore"], ACTIVE, None),
        (["delete", "delete"], TRASHED, TRASHED),
        (["restore"], ACTIVE, None),
        (["archive", "delete"], TRASHED, None),
        (["archive", "delete", "restore"], ARCHIVED, None),
        (["archive", "delete", "restore", "unarchive"], ACTIVE, None),
        (["delete", "archive"], TRASHED, TRASHED),
        (["archive", "delete", "unarchive"], TRASHED, TRASHED),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
async def test_where_a_task_is_kept(
    workspace: Workspace, kept: Kept, verbs: list[str], state: str, refusal: str | None
) -> None:
    task, other = await workspace.task(), await workspace.task("Another")
    for number, verb in enumerate(verbs, 1):
        answer = await act(workspace, verb, task)
        if refusal is not None and number == len(verbs):
            refused(answer, 409, refusal)
        else:
            ok(answer, 200)
    stored = await kept.one(Task, task["id"])
    assert stored["derived"]["state"] == state
    shown = ok(await workspace.api.get(f"/tasks/{task['key']}"))
    for name in ("archived_at", "trashed_at"):
        assert (shown[name] is None) == (stored[name] is None)
    for one in (ACTIVE, ARCHIVED, TRASHED):
        assert (task["id"] in await listed(workspace, one)) == (one == state)
    assert other["id"] in await listed(workspace, ACTIVE)


@pytest.mark.parametrize(("verb", "code"), [("archive", ARCHIVED), ("delete", TRASHED)])
async def test_what_is_put_away_is_not_changed(
    workspace: Workspace, kept: Kept, infra: dict[str, Any], verb: str, code: str
) -> None:
    task, anchor = await workspace.task(), await workspace.task("Another")
    comment = await workspace.comment(task)
    ok(await act(workspace, verb, task))
    before = await kept.state()
    path = f"/tasks/{task['key']}"
    for answer in (
        await workspace.api.patch(path, {"title": "No"}),
        await workspace.api.post(f"{path}/rank", {"after_id": anchor["key"]}),
        await workspace.api.post(f"{path}/move", {"project_id": "INFRA"}),
        await workspace.api.post(f"{path}/comments", {"body": "No"}),
        await workspace.api.patch(f"{path}/comments/{comment['id']}", {"body": "No"}),
        await workspace.api.delete(f"{path}/comments/{comment['id']}"),
    ):
        refused(answer, 409, code)
    assert await kept.state() == before
    assert ok(await workspace.api.get(f"{path}/comments"))["items"] == [comment]
    assert await kept.one(Comment, comment["id"])


@pytest.mark.parametrize("verb", ["archive", "unarchive", "delete", "restore"])
async def test_an_archived_project_s_tasks_can_be_read_and_not_changed(
    workspace: Workspace, kept: Kept, verb: str
) -> None:
    task = await workspace.task()
    comment = await workspace.comment(task)
    if verb == "unarchive":
        ok(await act(workspace, "archive", task))
    if verb == "restore":
        ok(await act(workspace, "delete", task))
    ok(await workspace.api.post("/projects/FLUID/archive"))
    before = await kept.state()
    refused(await act(workspace, verb, task), 409, "archived")
    path = f"/tasks/{task['key']}"
    if verb == "archive":
        for answer in (
            await workspace.api.patch(path, {"title": "No"}),
            await workspace.api.post(f"{path}/rank", {"status_id": workspace.statuses["Done"]}),
            await workspace.api.post(f"{path}/comments", {"body": "No"}),
            await workspace.api.patch(f"{path}/comments/{comment['id']}", {"body": "No"}),
            await workspace.api.delete(f"{path}/comments/{comment['id']}"),
        ):
            refused(answer, 409, "archived")
    assert await kept.state() == before
    ok(await workspace.api.get(path))


@pytest.mark.parametrize("verb", ["archive", "unarchive", "delete", "restore"])
async def test_preconditions_dry_run_and_who_may(workspace: Workspace, kept: Kept, verb: str) -> None:
    task = await workspace.task()
    if verb == "unarchive":
        task = ok(await act(workspace, "archive", task))
    if verb == "restore":
        task = ok(await act(workspace, "delete", task))
    before = await kept.state()
    refused(await act(workspace, verb, task, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    refused(await act(workspace, verb, {"key": new_id()}), 404, "not_found")
    ok(await act(workspace, verb, task, params={"dry_run": "true"}))
    path = f"/tasks/{task['key']}"
    for client, status, code in (
        (workspace.stranger, 404, "not_found"),
        (workspace.api.as_(None), 401, "authentication_required"),
    ):
        answer = await (client.delete(path) if verb == "delete" else client.post(f"{path}/{verb}"))
        refused(answer, status, code)
    assert await kept.state() == before
    mine = workspace.member
    answer = await (mine.delete(path) if verb == "delete" else mine.post(f"{path}/{verb}"))
    assert ok(answer)["version"] == (await kept.one(Task, task["id"]))["version"] == task["version"] + 1
