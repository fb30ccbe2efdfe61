"""GET /events, and the number of its event in the answer to every change."""

import pytest

from app.models.labels import Label
from app.tests.support.clients import Answer, ok, refused
from app.tests.support.conventions import check_not_modified, check_pages, client_of
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


def event_of(answer: Answer) -> int:
    assert answer.is_success, answer.text
    return int(answer.headers["pastis-event"])


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_all_that_happened_the_newest_first(workspace: Workspace, kept: Kept, role: str) -> None:
    label = await workspace.label()
    await workspace.task(label_ids=[label["id"]])
    ok(await workspace.api.delete(f"/labels/{label['id']}"), 204)
    items = ok(await client_of(workspace, role).get("/events"))["items"]
    assert [one["seq"] for one in items] == list(range(await kept.head(), 0, -1))
    assert [one["command"] for one in items[:3]] == ["label.delete", "task.create", "label.create"]
    assert items[0] == ok(await workspace.api.get(f"/events/{items[0]['seq']}"))
    assert items[-1]["command"] == "workspace.create"


async def test_pages(workspace: Workspace) -> None:
    await workspace.label()
    await check_pages(workspace.api, "/events", "/labels")


async def test_what_happens_meanwhile_does_not_shift_pages(workspace: Workspace, kept: Kept) -> None:
    head = await kept.head()
    page = ok(await workspace.api.get("/events?limit=2"))
    await workspace.label()
    rest = ok(await workspace.api.get(f"/events?limit=200&cursor={page['next_cursor']}"))
    assert [one["seq"] for one in page["items"] + rest["items"]] == list(range(head, 0, -1))


async def test_cursors_of_other_workspaces_and_histories(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    task = await workspace.task()
    ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "high"}))
    history = f"/tasks/{task['key']}/activity"
    for path, client, other in (
        ("/events", other_workspace.api, "/events"),
        ("/events", workspace.api, history),
        (history, workspace.api, "/events"),
    ):
        cursor = ok(await workspace.api.get(path, params={"limit": 1}))["next_cursor"]
        refused(await client.get(other, params={"cursor": cursor}), 422, "invalid_cursor")


async def test_a_task_s_history_is_counted_too(workspace: Workspace) -> None:
    task = await workspace.task()
    ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "high"}))
    page = ok(await workspace.api.get(f"/tasks/{task['key']}/activity?limit=1&count=true"))
    assert page["total"] == 2


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api, "/events")


async def test_strangers_see_nothing(workspace: Workspace) -> None:
    refused(await workspace.stranger.get("/events"), 404, "not_found")
    refused(await workspace.api.as_(None).get("/events"), 401, "authentication_required")


async def test_a_deletion_is_undone_by_the_number_in_its_answer(workspace: Workspace, kept: Kept) -> None:
    label = await workspace.label()
    seq = event_of(await workspace.api.delete(f"/labels/{label['id']}"))
    assert seq == await kept.head()
    assert event_of(await workspace.api.post(f"/events/{seq}/undo")) == seq + 1
    assert (await kept.one(Label, label["id"]))["name"] == label["name"]


async def test_every_kind_of_answer_tells_it(workspace: Workspace, kept: Kept) -> None:
    created = await workspace.api.post("/labels", {"name": "A11y"})
    assert event_of(created) == created.json()["version"] == await kept.head()
    changed = await workspace.api.patch(f"/labels/{created.json()['id']}", {"name": "Accessibility"})
    assert event_of(changed) == changed.json()["version"] == await kept.head()
    founded = await workspace.api.at("").post(
        "/api/v1/workspaces", {"slug": f"w-{new_id()}", "name": "Decapod"}
    )
    assert event_of(founded) == 1


async def test_what_changes_nothing_has_no_event(workspace: Workspace) -> None:
    label = await workspace.label()
    same = await workspace.api.patch(f"/labels/{label['id']}", {"name": label["name"]})
    assert ok(same, 200) == label
    trial = await workspace.api.delete(f"/labels/{label['id']}", params={"dry_run": "true"})
    assert trial.status_code == 204
    read = await workspace.api.get(f"/labels/{label['id']}")
    refusal = await workspace.api.post("/labels", {"name": label["name"]})
    for answer in (same, trial, read, refusal):
        assert "pastis-event" not in answer.headers


async def test_a_repeated_request_tells_the_recorded_one(workspace: Workspace) -> None:
    label = await workspace.label()
    headers = {"Idempotency-Key": new_id()}
    seq = event_of(await workspace.api.delete(f"/labels/{label['id']}", headers=headers))
    await workspace.task()
    again = await workspace.api.delete(f"/labels/{label['id']}", headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert event_of(again) == seq
