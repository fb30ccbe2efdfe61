"""PATCH /tasks/{task}."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.tasks import Task
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.depth import examples
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.tests.support.scenarios import full_task
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

CLEARED = {"parent_id": None, "estimate": None, "start_date": None, "due_date": None}
EMPTIED: dict[str, Any] = {"description": "", "label_ids": [], "assignee_ids": []}


async def test_what_is_not_named_stays(workspace: Workspace, kept: Kept) -> None:
    task = await full_task(workspace)
    before = await kept.one(Task, task["id"])
    answer = await workspace.member.patch(f"/tasks/{task['key']}", {"priority": "urgent"})
    changed = ok(answer, 200)
    moved = {"priority": "urgent", "version": await kept.head(), "updated_at": changed["updated_at"]}
    assert changed == {**task, **moved}
    assert answer.headers["etag"] == f'"{changed["version"]}"'
    stored = await kept.one(Task, task["id"])
    assert stored == {
        **before,
        "priority": "urgent",
        "version": changed["version"],
        "updated_at": stored["updated_at"],
        "derived": {**before["derived"], "priority": 0},
    }


async def test_null_clears_what_may_be_empty(workspace: Workspace, kept: Kept) -> None:
    task = await full_task(workspace)
    changed = ok(await workspace.api.patch(f"/tasks/{task['id']}", CLEARED | EMPTIED))
    stored = await kept.one(Task, task["id"])
    for name, value in (CLEARED | EMPTIED).items():
        assert task[name] != value
        assert (changed[name], stored[name]) == (value, value)
    assert stored["derived"]["due"] == "9999-12-31"


@pytest.mark.parametrize(
    "name", ["title", "description", "type", "status_id", "priority", "label_ids", "assignee_ids"]
)
async def test_null_does_not_fit_where_there_must_be_something(
    workspace: Workspace, kept: Kept, name: str
) -> None:
    task = await full_task(workspace)
    before = await kept.state()
    problem = refused(
        await workspace.api.patch(f"/tasks/{task['id']}", {name: None}), 422, "validation_failed"
    )
    (error,) = problem["errors"]
    assert error["pointer"] == f"/{name}"
    assert error["code"] in {"wrong_type", "invalid_choice"}
    assert await kept.state() == before


async def test_a_patch_of_nothing_new_changes_nothing(workspace: Workspace, kept: Kept) -> None:
    task = await full_task(workspace)
    head = await kept.head()
    names = ("title", "label_ids", "assignee_ids", "estimate", "due_date", "status_id", "parent_id")
    for patch in ({}, {name: task[name] for name in names}, {"estimate": 2.5}):
        assert ok(await workspace.api.patch(f"/tasks/{task['id']}", patch)) == task
    assert (await kept.head(), (await kept.one(Task, task["id"]))["version"]) == (head, task["version"])


async def test_patches_of_different_fields_at_once_all_stay(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    patches: list[dict[str, Any]] = [
        {"title": "Focus is lost when a menu closes"},
        {"description": "Open the menu, press **Escape**."},
        {"priority": "high"},
        {"type": "bug"},
        {"estimate": 5},
        {"due_date": "2026-12-18"},
        {"assignee_ids": [workspace.membership_ids["admin"]]},
        {"status_id": workspace.statuses["In Progress"]},
    ]
    clients = (workspace.api, workspace.admin, workspace.member)
    answers = await asyncio.gather(
        *[clients[number % 3].patch(f"/tasks/{task['key']}", patch) for number, patch in enumerate(patches)]
    )
    versions = sorted(ok(answer)["version"] for answer in answers)
    assert versions == list(range(task["version"] + 1, task["version"] + 9))
    stored = await kept.one(Task, task["id"])
    for patch in patches:
        for name, value in patch.items():
            assert stored[name] == value
    assert stored["version"] == versions[-1] == await kept.head()


async def test_the_version_that_a_change_is_for(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    path, etag = f"/tasks/{task['key']}", f'"{task["version"]}"'
    changed = ok(await workspace.api.patch(path, {"priority": "high"}, headers={"If-Match": etag}))
    answer = await workspace.member.patch(path, {"priority": "low"}, headers={"If-Match": etag})
    problem = refused(answer, 412, "precondition_failed")
    assert problem["current"] == changed
    assert (await kept.one(Task, task["id"]))["priority"] == "high"
    for number in range(2):
        header = "*" if number else f'"1", "{changed["version"]}"'
        answer = await workspace.api.patch(path, {"estimate": number}, headers={"If-Match": header})
        changed = ok(answer)
    weak = f'W/"{changed["version"]}"'
    answer = await workspace.api.patch(path, {"title": "No"}, headers={"If-Match": weak})
    refused(answer, 412, "precondition_failed")
    answer = await workspace.api.patch(path, {"title": "No"}, headers={"If-Match": "7"})
    # Reads alone look at If-None-Match, so that the text does not speak of it.
    detail = refused(answer, 422, "invalid_precondition")["detail"]
    assert detail == "The If-Match header is not in the expected form."
    assert (await kept.one(Task, task["id"]))["title"] == task["title"]


async def test_of_two_changes_for_one_version_one_is_done(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    headers = {"If-Match": f'"{task["version"]}"'}
    answers = await asyncio.gather(
        *[
            workspace.api.patch(f"/tasks/{task['key']}", {"estimate": number}, headers=headers)
            for number in range(1, 6)
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    (done,) = [answer.json() for answer in answers if answer.is_success]
    assert (await kept.one(Task, task["id"]))["estimate"] == done["estimate"]
    assert await kept.head() == task["version"] + 1


async def test_completed_and_canceled(workspace: Workspace, kept: Kept, clock: TestClock) -> None:
    task = await workspace.task()
    path = f"/tasks/{task['key']}"

    async def enter(status_id: str) -> tuple[str, Any, Any]:
        changed = ok(await workspace.api.patch(path, {"status_id": status_id}))
        stored = await kept.one(Task, task["id"])
        times = (changed["completed_at"], changed["canceled_at"])
        assert [one is not None for one in times] == [
            stored["completed_at"] is not None,
            stored["canceled_at"] is not None,
        ]
        assert changed["category"] == stored["category"]
        return changed["category"], *times

    released = ok(
        await workspace.api.post("/projects/FLUID/statuses", {"name": "Released", "category": "done"}), 201
    )
    category, done, canceled = await enter(workspace.statuses["Done"])
    assert (category, done is not None, canceled) == ("done", True, None)
    clock.forward(hours=1)
    # Another status of the same meaning does not complete it again.
    assert await enter(released["id"]) == ("done", done, None)
    assert await enter(workspace.statuses["In Progress"]) == ("in_progress", None, None)
    category, again, canceled = await enter(workspace.statuses["Done"])
    assert again > done
    assert (category, canceled) == ("done", None)
    category, done, canceled = await enter(workspace.statuses["Canceled"])
    assert (category, done, canceled is not None) == ("canceled", None, True)


async def test_dates_in_order(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task(start_date="2026-12-01", due_date="2026-12-18")
    path = f"/tasks/{task['key']}"
    for patch in ({"due_date": "2026-11-30"}, {"start_date": "2026-12-19"}):
        problem = refused(await workspace.api.patch(path, patch), 422, "validation_failed")
        assert problem["errors"][0]["code"] == "wrong_order"
    stored = await kept.one(Task, task["id"])
    assert (stored["start_date"], stored["due_date"]) == ("2026-12-01", "2026-12-18")
    ok(await workspace.api.patch(path, {"start_date": "2027-01-01", "due_date": "2027-01-01"}))
    assert (await kept.one(Task, task["id"]))["derived"]["due"] == "2027-01-01"


async def test_nobody_is_their_own_ancestor(workspace: Workspace, kept: Kept) -> None:
    epic, story, task = [await workspace.task(title) for title in ("Keyboard", "Reorderer", "Ctrl+Down")]
    ok(await workspace.api.patch(f"/tasks/{story['key']}", {"parent_id": epic["key"]}))
    ok(await workspace.api.patch(f"/tasks/{task['key']}", {"parent_id": story["id"]}))
    for child, parent in ((epic, epic), (epic, story), (epic, task), (story, task)):
        answer = await workspace.api.patch(f"/tasks/{child['key']}", {"parent_id": parent["id"]})
        refused(answer, 409, "cycle")
    parents = [(await kept.one(Task, one["id"]))["parent_id"] for one in (epic, story, task)]
    assert parents == [None, epic["id"], story["id"]]
    ok(await workspace.api.patch(f"/tasks/{story['key']}", {"parent_id": None}))
    ok(await workspace.api.patch(f"/tasks/{epic['key']}", {"parent_id": task["id"]}))
    assert (await kept.one(Task, epic["id"]))["parent_id"] == task["id"]


async def test_two_at_once_cannot_become_each_other_s_parent(workspace: Workspace, kept: Kept) -> None:
    first, second = await workspace.task("Keyboard"), await workspace.task("Reorderer")
    answers = await asyncio.gather(
        workspace.api.patch(f"/tasks/{first['key']}", {"parent_id": second["id"]}),
        workspace.api.patch(f"/tasks/{second['key']}", {"parent_id": first["id"]}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    parents = {(await kept.one(Task, one["id"]))["parent_id"] for one in (first, second)}
    assert None in parents


async def test_a_tree_has_an_end(workspace: Workspace, kept: Kept) -> None:
    parent = await workspace.task("Level 0")
    for level in range(1, 20):
        parent = await workspace.task(f"Level {level}", parent_id=parent["id"])
    deeper = await workspace.task("Level 20")
    answer = await workspace.api.patch(f"/tasks/{deeper['key']}", {"parent_id": parent["id"]})
    refused(answer, 409, "limit_reached")
    assert (await kept.one(Task, deeper["id"]))["parent_id"] is None


async def test_what_a_patch_names_must_be_there(
    workspace: Workspace, other_workspace: Workspace, kept: Kept, infra: dict[str, Any]
) -> None:
    task = await full_task(workspace)
    theirs = await other_workspace.label()
    elsewhere = ok(await workspace.api.get("/projects/INFRA/statuses"))["items"][0]
    before = await kept.state()
    for patch in (
        {"status_id": new_id()},
        {"status_id": elsewhere["id"]},
        {"label_ids": [*task["label_ids"], theirs["id"]]},
        {"assignee_ids": [new_id()]},
        {"assignee_ids": [other_workspace.membership_ids["owner"]]},
        {"parent_id": "INFRA-1"},
        {"parent_id": new_id()},
    ):
        refused(await workspace.api.patch(f"/tasks/{task['key']}", patch), 404, "not_found")
    refused(await workspace.api.patch(f"/tasks/{new_id()}", {"title": "No"}), 404, "not_found")
    refused(await workspace.api.patch("/tasks/FLUID-99", {"title": "No"}), 404, "not_found")
    assert await kept.state() == before


async def test_one_who_has_left_stays_on_what_they_had_but_takes_nothing_new(
    workspace: Workspace, kept: Kept
) -> None:
    member = workspace.membership_ids["member"]
    task = await workspace.task(assignee_ids=[member])
    ok(await workspace.api.delete(f"/memberships/{member}"))
    ok(await workspace.api.patch(f"/tasks/{task['key']}", {"title": "Still theirs"}))
    other = await workspace.task("Not theirs")
    answer = await workspace.api.patch(f"/tasks/{other['key']}", {"assignee_ids": [member]})
    refused(answer, 404, "not_found")
    assert (await kept.one(Task, task["id"]))["assignee_ids"] == [member]
    assert (await kept.one(Task, other["id"]))["assignee_ids"] == []


async def test_dry_run_and_idempotency(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    path, before = f"/tasks/{task['key']}", await kept.state()
    tried = ok(await workspace.api.patch(f"{path}?dry_run=true", {"priority": "high"}))
    assert (tried["priority"], tried["version"]) == ("high", task["version"] + 1)
    assert await kept.state() == before
    headers = {"Idempotency-Key": "phone-12"}
    first = ok(await workspace.api.patch(path, {"priority": "high"}, headers=headers))
    ok(await workspace.api.patch(path, {"priority": "low"}))
    again = await workspace.api.patch(path, {"priority": "high"}, headers=headers)
    assert (ok(again), again.headers["idempotency-replayed"]) == (first, "true")
    assert (await kept.one(Task, task["id"]))["priority"] == "low"


async def test_who_may(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    path = f"/tasks/{task['id']}"
    refused(await workspace.stranger.patch(path, {"title": "No"}), 404, "not_found")
    refused(await workspace.api.as_(None).patch(path, {"title": "No"}), 401, "authentication_required")
    assert (await kept.one(Task, task["id"]))["title"] == task["title"]
    for number, client in enumerate((workspace.api, workspace.admin, workspace.member)):
        ok(await client.patch(path, {"estimate": number}))
    assert (await kept.one(Task, task["id"]))["estimate"] == 2


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1, max_size=60
).filter(lambda text: any(letter.isalnum() for letter in text))
patches = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "description": texts,
        "type": st.sampled_from(["bug", "epic", "story", "task"]),
        "priority": st.sampled_from(["none", "low", "high"]),
        "estimate": st.none() | st.integers(0, 100),
        "due_date": st.none() | st.dates().map(str),
    },
)


@given(sequence=st.lists(patches, min_size=1, max_size=5))
@settings(max_examples=examples(30))
async def test_any_patches_merge_field_by_field(
    workspace: Workspace, kept: Kept, sequence: list[dict[str, Any]]
) -> None:
    task = await workspace.task()
    expected = {
        name: task[name] for name in ("title", "description", "type", "priority", "estimate", "due_date")
    }
    for patch in sequence:
        ok(await workspace.api.patch(f"/tasks/{task['id']}", patch))
        expected |= {**patch, **({"title": patch["title"].strip()} if "title" in patch else {})}
    stored = await kept.one(Task, task["id"])
    assert {name: stored[name] for name in expected} == expected
    assert stored["derived"]["due"] == (expected["due_date"] or "9999-12-31")


async def test_an_external_source_is_merged_and_cleared(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task(
        external={"source": "github", "key": "infusion#12", "url": "https://a.example/12"}
    )
    path = f"/tasks/{task['id']}"
    moved = ok(await workspace.api.patch(path, {"external": {"source": "gitlab", "key": "12"}}))
    assert moved["external"] == {"source": "gitlab", "key": "12", "url": "https://a.example/12"}
    cleared = ok(await workspace.api.patch(path, {"external": None, "reporter_id": None}))
    assert (cleared["external"], cleared["reporter_id"]) == (None, None)
    ok(await workspace.api.post(f"/events/{cleared['version']}/undo"), 204)
    again = ok(await workspace.api.get(path))
    assert again["external"] == moved["external"]
    assert again["reporter_id"] == workspace.membership_ids["owner"]
