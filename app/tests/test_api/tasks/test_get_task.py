"""GET /tasks/{task}."""

from typing import Any

import pytest

from app.models.tasks import Task
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.tests.support.scenarios import full_task
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_by_id_and_by_key_in_any_case(workspace: Workspace, kept: Kept) -> None:
    task = await full_task(workspace)
    for ref in (task["id"], task["key"], task["key"].lower()):
        answer = await workspace.member.get(f"/tasks/{ref}")
        assert ok(answer, 200) == task
        assert answer.headers["etag"] == f'"{task["version"]}"'
    stored = await kept.one(Task, task["id"])
    assert set(stored) - set(task) == {"_id", "keys", "derived"}
    assert {name: task[name] for name in ("title", "rank", "estimate")} == {
        name: stored[name] for name in ("title", "rank", "estimate")
    }


async def test_by_a_former_key(workspace: Workspace, infra: dict[str, Any]) -> None:
    task = await workspace.task()
    moved = ok(await workspace.api.post(f"/tasks/{task['key']}/move", {"project_id": infra["key"]}))
    for ref in ("FLUID-1", "fluid-1", "INFRA-1", "infra-1"):
        assert ok(await workspace.api.get(f"/tasks/{ref}")) == moved


async def test_what_is_put_away_can_be_read(workspace: Workspace) -> None:
    task = await workspace.task()
    archived = ok(await workspace.api.post(f"/tasks/{task['key']}/archive"))
    assert ok(await workspace.api.get(f"/tasks/{task['key']}")) == archived
    trashed = ok(await workspace.api.delete(f"/tasks/{task['key']}"))
    assert ok(await workspace.api.get(f"/tasks/{task['key']}")) == trashed
    assert trashed["trashed_at"] is not None


async def test_the_known_version_is_not_sent_again(workspace: Workspace) -> None:
    task = await workspace.task()
    path, etag = f"/tasks/{task['key']}", f'"{task["version"]}"'
    for header in (etag, f'"1", {etag}', f"W/{etag}", "*"):
        answer = await workspace.api.get(path, headers={"If-None-Match": header})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    for header in ("", "7", "abc", '"', f"{etag[:-1]}", "**"):
        assert ok(await workspace.api.get(path, headers={"If-None-Match": header}), 200) == task
    ok(await workspace.api.patch(path, {"title": "Focus is lost when a menu closes"}))
    assert ok(await workspace.api.get(path, headers={"If-None-Match": etag}), 200)["title"].endswith("closes")


async def test_what_is_not_there_or_not_one_s_own_is_not_found(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    theirs = await other_workspace.task("Theirs")
    problems = [
        refused(await workspace.api.get(f"/tasks/{ref}"), 404, "not_found")
        for ref in (new_id(), theirs["id"], theirs["key"], "FLUID-99", "no-key-at-all")
    ]
    # Text for text alike, so that nobody learns what others have.
    assert len({(one["title"], one["detail"]) for one in problems}) == 1
    refused(await workspace.stranger.get(f"/tasks/{theirs['id']}"), 404, "not_found")
    refused(await workspace.api.as_(None).get(f"/tasks/{theirs['id']}"), 401, "authentication_required")
    assert ok(await other_workspace.api.get(f"/tasks/{theirs['key']}"))["title"] == "Theirs"


async def test_no_parameter_is_ignored(workspace: Workspace) -> None:
    task = await workspace.task()
    refused(await workspace.api.get(f"/tasks/{task['key']}?include=description"), 422, "unknown_parameter")


async def test_keys_are_ascii(workspace: Workspace) -> None:
    """Nothing but the key itself in small letters is the key: not what some language makes capitals of."""
    for key in ("SS", "IO"):
        ok(await workspace.api.post("/projects", {"key": key, "name": key}), 201)
        await workspace.task(project_id=key)
    assert ok(await workspace.api.get("/tasks/ss-1"))["key"] == "SS-1"
    for ref in ("ß", "ıo"):
        for path in (
            f"/projects/{ref}",
            f"/tasks/{ref}-1",
            f"/tasks?project={ref}",
            f"/tasks?parent={ref}-1",
        ):
            refused(await workspace.api.get(path), 404, "not_found")
        refused(await workspace.api.post("/tasks", {"project_id": ref, "title": "No"}), 404, "not_found")
