"""POST /events/{seq}/undo. That each command's undo restores what was is in the tests of the replay law."""

import asyncio
from typing import Any

import pytest

from app.models.comments import Comment
from app.models.labels import Label
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.statuses import Status
from app.models.tasks import Task
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.factories import Workspace
from app.tests.support.kept import Kept
from app.tests.support.scenarios import second_project
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

REASONS = {
    "changed_since": "the object has changed since then",
    "gone": "the object does not exist any more",
    "not_undoable": "an action of this kind is final",
}
Errors = list[tuple[str, str]]
STATUSES = "/projects/FLUID/statuses"


async def undo(client: Client, version: int, **options: Any) -> Answer:
    return await client.post(f"/events/{version}/undo", **options)


async def conflicts(
    client: Client,
    kept: Kept,
    version: int,
    reason: str,
    errors: Errors | None = None,
    seq: int | None = None,
) -> None:
    """The undo is refused for this reason, and nothing has changed."""
    before = await kept.state()
    answer = await undo(client, version)
    problem = refused(answer, 409, "undo_conflict")
    detail = f"This cannot be undone: {REASONS[reason]}."
    if errors is None:
        assert problem["detail"].startswith(detail)
    else:
        assert problem["detail"] == detail + (f" Its last change is event {seq}." if seq else "")
        assert [(one["pointer"], one["code"]) for one in problem["errors"]] == errors
    assert await kept.state() == before


async def test_who_undid_what_is_in_the_log(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    changed = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "high"}))
    answer = await undo(workspace.member, changed["version"])
    assert (answer.status_code, answer.content) == (204, b"")
    event = await kept.last_event()
    assert (event["seq"], event["command"]) == (changed["version"] + 1, "event.undo")
    assert event["actor"]["membership_id"] == workspace.membership_ids["member"]
    stored = await kept.one(Task, task["id"])
    assert (stored["priority"], stored["version"], stored["derived"]["priority"]) == (
        "none",
        event["seq"],
        4,
    )


async def test_what_others_changed_in_other_fields_stays(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    changed = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "high", "estimate": 3}))
    ok(await workspace.member.patch(f"/tasks/{task['key']}", {"title": "Renamed since"}))
    ok(await undo(workspace.api, changed["version"]), 204)
    stored = await kept.one(Task, task["id"])
    assert (stored["priority"], stored["estimate"], stored["title"]) == ("none", None, "Renamed since")


@pytest.mark.parametrize("same", [False, True])
async def test_what_was_changed_again_since_is_left(workspace: Workspace, kept: Kept, same: bool) -> None:
    task = await workspace.task()
    changed = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "high", "estimate": 3}))
    later = ok(await workspace.member.patch(f"/tasks/{task['key']}", {"estimate": 5, "title": "Other"}))
    again = [("/estimate", "changed_since")]
    await conflicts(workspace.api, kept, changed["version"], "changed_since", again, later["version"])
    if same:
        # Put back to what it was set to, it can be undone again.
        ok(await workspace.member.patch(f"/tasks/{task['key']}", {"estimate": 3}))
        ok(await undo(workspace.api, changed["version"]), 204)
        assert (await kept.one(Task, task["id"]))["estimate"] is None


async def test_an_event_is_undone_once(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    changed = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "high"}))
    answers = await asyncio.gather(*[undo(workspace.api, changed["version"]) for _ in range(3)])
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409]
    assert await kept.head() == changed["version"] + 1


async def test_what_was_made_is_taken_away_unless_somebody_worked_on_it(
    workspace: Workspace, kept: Kept
) -> None:
    task, touched = await workspace.task(), await workspace.task("Touched")
    label = await workspace.label()
    comment = await workspace.comment(task)
    status = ok(await workspace.api.post(STATUSES, {"name": "In review", "category": "in_progress"}), 201)
    later = ok(await workspace.api.patch(f"/tasks/{touched['key']}", {"title": "Touched indeed"}))
    again = [("/title", "changed_since")]
    await conflicts(workspace.api, kept, touched["version"], "changed_since", again, later["version"])
    for one in (comment, label, status):
        ok(await undo(workspace.api, one["version"]), 204)
    assert [
        await kept.find(model, one["id"])
        for model, one in ((Comment, comment), (Label, label), (Status, status))
    ] == [None] * 3
    ok(await undo(workspace.api, task["version"]), 204)
    assert (await kept.one(Task, task["id"]))["derived"]["state"] == "trashed"
    ok(await workspace.api.post(f"/tasks/{task['key']}/restore"))


async def test_what_is_gone_cannot_be_changed_back(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    comment = await workspace.comment(task)
    edited = ok(
        await workspace.api.patch(f"/tasks/{task['key']}/comments/{comment['id']}", {"body": "Edited."})
    )
    ok(await workspace.api.delete(f"/tasks/{task['key']}/comments/{comment['id']}"), 204)
    deleted = await kept.head()
    await conflicts(workspace.api, kept, edited["version"], "gone", [])
    await conflicts(workspace.api, kept, comment["version"], "gone", [])
    ok(await undo(workspace.api, deleted), 204)
    assert (await kept.one(Comment, comment["id"]))["body"] == "Edited."
    await conflicts(workspace.api, kept, deleted, "changed_since", [], deleted + 1)
    ok(await undo(workspace.api, edited["version"]), 204)
    assert (await kept.one(Comment, comment["id"]))["body"] == comment["body"]


async def test_what_it_referred_to_may_be_gone(workspace: Workspace, kept: Kept) -> None:
    label = await workspace.label()
    people = workspace.membership_ids
    status = ok(await workspace.api.post(STATUSES, {"name": "In review", "category": "in_progress"}), 201)
    parent = await workspace.task("Make all components accessible")
    task = await workspace.task(
        label_ids=[label["id"]],
        assignee_ids=[people["member"]],
        status_id=status["id"],
        parent_id=parent["id"],
    )
    path = f"/tasks/{task['key']}"
    patches: tuple[dict[str, Any], ...] = (
        {"label_ids": []},
        {"assignee_ids": []},
        {"status_id": workspace.statuses["Todo"]},
        {"parent_id": None},
    )
    cleared = [ok(await workspace.api.patch(path, patch))["version"] for patch in patches]
    ok(await workspace.api.delete(f"/labels/{label['id']}"), 204)
    ok(await workspace.api.delete(f"/memberships/{people['member']}"))
    ok(await workspace.api.delete(f"{STATUSES}/{status['id']}"), 204)
    ok(await workspace.api.delete(f"/tasks/{parent['key']}"))
    for version, patch in zip(cleared, patches, strict=True):
        lost = [(f"/{name}", "not_found") for name in patch]
        await conflicts(workspace.api, kept, version, "gone", lost)


async def test_an_undo_makes_no_cycle_and_no_end_before_the_start(workspace: Workspace, kept: Kept) -> None:
    first, second = await workspace.task("Keyboard"), await workspace.task("Reorderer")
    ok(await workspace.api.patch(f"/tasks/{first['key']}", {"parent_id": second["id"]}))
    freed = ok(await workspace.api.patch(f"/tasks/{first['key']}", {"parent_id": None}))
    ok(await workspace.api.patch(f"/tasks/{second['key']}", {"parent_id": first["id"]}))
    under = [("/parent_id", "changed_since")]
    await conflicts(workspace.api, kept, freed["version"], "changed_since", under)
    task = await workspace.task(start_date="2026-12-10", due_date="2026-12-18")
    earlier = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"start_date": "2026-12-01"}))
    ok(await workspace.api.patch(f"/tasks/{task['key']}", {"due_date": "2026-12-05"}))
    order = [("/due_date", "wrong_order")]
    await conflicts(workspace.api, kept, earlier["version"], "changed_since", order)


@pytest.mark.parametrize(
    ("verb", "code"), [("archive", "archived"), ("delete", "trashed"), ("project", "archived")]
)
async def test_what_is_put_away_is_not_changed_by_an_undo_either(
    workspace: Workspace, kept: Kept, verb: str, code: str
) -> None:
    task = await workspace.task()
    comment = await workspace.comment(task)
    path = f"/tasks/{task['key']}"
    changed = ok(await workspace.api.patch(path, {"priority": "high"}))
    if verb == "project":
        ok(await workspace.api.post("/projects/FLUID/archive"))
    elif verb == "delete":
        ok(await workspace.api.delete(path))
    else:
        ok(await workspace.api.post(f"{path}/archive"))
    put_away, before = await kept.head(), await kept.state()
    for version in (changed["version"], comment["version"]):
        refused(await undo(workspace.api, version), 409, code)
    assert await kept.state() == before
    # But that it was put away can be undone.
    ok(await undo(workspace.api, put_away), 204)
    ok(await undo(workspace.api, changed["version"]), 204)
    assert (await kept.one(Task, task["id"]))["priority"] == "none"


async def test_a_label_that_comes_back_finds_its_tasks_and_nobody_else_s_name(
    workspace: Workspace, kept: Kept
) -> None:
    label = await workspace.label()
    kept_on, changed = [await workspace.task(title, label_ids=[label["id"]]) for title in ("Kept", "Changed")]
    ok(await workspace.api.delete(f"/labels/{label['id']}"), 204)
    deleted = await kept.head()
    other = ok(await workspace.api.post("/labels", {"name": "ACCESSIBILITY"}), 201)
    await conflicts(workspace.api, kept, deleted, "changed_since", [("/name", "taken")])
    ok(await workspace.api.delete(f"/labels/{other['id']}"), 204)
    ok(await undo(workspace.api, deleted), 204)
    for task in (kept_on, changed):
        assert (await kept.one(Task, task["id"]))["label_ids"] == [label["id"]]
    renamed = ok(await workspace.api.patch(f"/labels/{label['id']}", {"name": "A11y"}))
    await workspace.label("Accessibility")
    await conflicts(workspace.api, kept, renamed["version"], "changed_since")
    assert (await kept.one(Label, label["id"]))["folded"] == "a11y"


async def test_a_label_gets_its_colour_back_and_keeps_the_name_that_it_has(
    workspace: Workspace, kept: Kept
) -> None:
    label = await workspace.label()
    path = f"/labels/{label['id']}"
    coloured = ok(await workspace.api.patch(path, {"color": "#2ca02c"}))
    ok(await workspace.api.patch(path, {"name": "A11y"}))
    ok(await undo(workspace.api, coloured["version"]), 204)
    stored = await kept.one(Label, label["id"])
    assert (stored["color"], stored["name"], stored["folded"]) == (label["color"], "A11y", "a11y")


async def test_statuses_keep_their_names_places_and_default(workspace: Workspace, kept: Kept) -> None:
    names = workspace.statuses
    ok(await workspace.api.delete(f"{STATUSES}/{names['Canceled']}"), 204)
    deleted = await kept.head()
    other = ok(await workspace.api.post(STATUSES, {"name": "canceled", "category": "canceled"}), 201)
    await conflicts(workspace.api, kept, deleted, "changed_since", [("/name", "taken")])
    ok(await workspace.api.patch(f"{STATUSES}/{other['id']}", {"name": "Duplicate"}))
    ok(await undo(workspace.api, deleted), 204)
    # The place that it had was taken meanwhile: both keep one of their own, with room behind.
    listed = ok(await workspace.api.get(STATUSES))["items"]
    assert len({one["rank"] for one in listed}) == len(listed) == 6
    for one in listed[1:]:
        ok(await workspace.api.post(f"{STATUSES}/{names['Backlog']}/move", {"after_id": one["id"]}))
    made = ok(await workspace.api.post(STATUSES, {"name": "Someday", "category": "backlog"}), 201)
    changed = ok(await workspace.api.patch("/projects/FLUID", {"default_status_id": made["id"]}))
    default = [("/default_status_id", "changed_since")]
    await conflicts(workspace.api, kept, made["version"], "changed_since", default)
    ok(await workspace.api.patch("/projects/FLUID", {"default_status_id": names["Done"]}))
    ok(await undo(workspace.api, made["version"]), 204)
    await conflicts(workspace.api, kept, changed["version"], "changed_since")
    assert (await kept.one(Project, workspace.project["id"]))["default_status_id"] == names["Done"]
    assert (await workspace.task())["status_id"] == names["Done"]


async def test_a_project_gets_no_default_and_no_lead_that_is_gone(workspace: Workspace, kept: Kept) -> None:
    lead = workspace.membership_ids["member"]
    ok(await workspace.api.patch("/projects/FLUID", {"lead_id": lead}))
    versions = [
        ok(await workspace.api.patch("/projects/FLUID", patch))["version"]
        for patch in ({"default_status_id": workspace.statuses["Backlog"]}, {"lead_id": None})
    ]
    ok(await workspace.api.delete(f"{STATUSES}/{workspace.statuses['Todo']}"), 204)
    ok(await workspace.api.delete(f"/memberships/{lead}"))
    for version, name in zip(versions, ("default_status_id", "lead_id"), strict=True):
        await conflicts(workspace.api, kept, version, "gone", [(f"/{name}", "not_found")])


async def test_a_used_status_is_not_taken_away(workspace: Workspace, kept: Kept) -> None:
    status = ok(await workspace.api.post(STATUSES, {"name": "In review", "category": "in_progress"}), 201)
    await workspace.task(status_id=status["id"])
    refused(await undo(workspace.api, status["version"]), 409, "in_use")
    assert await kept.one(Status, status["id"])


async def test_a_member_may_undo_what_a_member_may_do(workspace: Workspace, kept: Kept) -> None:
    label = await workspace.label()
    project = ok(await workspace.api.patch("/projects/FLUID", {"name": "Infusion"}))
    mine = ok(await workspace.member.post("/labels", {"name": "Uploader"}), 201)
    before = await kept.state()
    for version in (label["version"], mine["version"], project["version"]):
        refused(await undo(workspace.member, version), 403, "permission_denied")
    assert await kept.state() == before
    for version in (label["version"], mine["version"], project["version"]):
        ok(await undo(workspace.admin, version), 204)
    assert await kept.all(Label) == []


async def test_whose_comment_may_be_changed_back(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    comments = f"/tasks/{task['key']}/comments"
    mine = ok(await workspace.member.post(comments, {"body": "Mine."}), 201)
    theirs = await workspace.comment(task, "Theirs.")
    edited = ok(await workspace.api.patch(f"{comments}/{theirs['id']}", {"body": "Edited."}))
    refused(await undo(workspace.member, edited["version"]), 403, "permission_denied")
    ok(await workspace.admin.delete(f"{comments}/{theirs['id']}"), 204)
    refused(await undo(workspace.member, await kept.head()), 403, "permission_denied")
    assert [doc["body"] for doc in await kept.all(Comment)] == ["Mine."]
    ok(await undo(workspace.member, mine["version"]), 204)
    assert await kept.all(Comment) == []


async def test_nobody_reaches_above_their_own_role_by_an_undo(workspace: Workspace, kept: Kept) -> None:
    people = workspace.membership_ids
    path = f"/memberships/{people['member']}"
    promoted = ok(await workspace.api.patch(path, {"role": "owner"}))
    demoted = ok(await workspace.api.patch(path, {"role": "admin"}))
    before = await kept.state()
    # Neither they themselves nor another admin make them an owner again.
    for client in (workspace.member, workspace.admin):
        refused(await undo(client, demoted["version"]), 403, "permission_denied")
    assert await kept.state() == before
    ok(await undo(workspace.api, demoted["version"]), 204)
    refused(await undo(workspace.admin, promoted["version"]), 403, "permission_denied")
    assert (await kept.one(Membership, people["member"]))["role"] == "owner"


async def test_somebody_who_left_gets_no_former_role(workspace: Workspace, kept: Kept) -> None:
    path = f"/memberships/{workspace.membership_ids['member']}"
    promoted = ok(await workspace.api.patch(path, {"role": "admin"}))
    ok(await workspace.api.delete(path))
    removed = await kept.head()
    await conflicts(workspace.api, kept, promoted["version"], "gone")
    ok(await undo(workspace.api, removed), 204)
    ok(await undo(workspace.api, promoted["version"]), 204)
    stored = await kept.one(Membership, workspace.membership_ids["member"])
    assert (stored["role"], stored["removed_at"]) == ("member", None)


async def test_an_undo_leaves_an_owner(workspace: Workspace, kept: Kept) -> None:
    people = workspace.membership_ids
    promoted = ok(await workspace.api.patch(f"/memberships/{people['admin']}", {"role": "owner"}))
    ok(await workspace.api.delete(f"/memberships/{people['owner']}"))
    before = await kept.state()
    refused(await undo(workspace.admin, promoted["version"]), 409, "last_owner")
    assert await kept.state() == before


async def test_what_is_not_there_is_not_undone(workspace: Workspace, kept: Kept) -> None:
    head = await kept.head()
    refused(await undo(workspace.api, head + 1), 404, "not_found")
    refused(await undo(workspace.stranger, head), 404, "not_found")
    refused(await undo(workspace.api.as_(None), head), 401, "authentication_required")
    for number in (1, head):
        await conflicts(workspace.api, kept, number, "not_undoable")
    assert await kept.head() == head


async def test_dry_run_and_idempotency(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    changed = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "high"}))
    before = await kept.state()
    ok(await undo(workspace.api, changed["version"], params={"dry_run": "true"}), 204)
    assert await kept.state() == before
    headers = {"Idempotency-Key": f"undo-{new_id()}"}
    ok(await undo(workspace.api, changed["version"], headers=headers), 204)
    again = await undo(workspace.api, changed["version"], headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (204, "true")
    assert await kept.head() == changed["version"] + 1


async def test_preconditions_are_about_what_an_undo_changes(workspace: Workspace, kept: Kept) -> None:
    task = await workspace.task()
    changed = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "high"}))
    later = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"estimate": 3}))
    before = await kept.state()
    for stale in (changed["version"], 99_999_999):
        answer = await undo(workspace.api, changed["version"], headers={"If-Match": f'"{stale}"'})
        assert refused(answer, 412, "precondition_failed")["current"] == later
    refused(
        await undo(workspace.api, changed["version"], headers={"If-Match": "x"}), 422, "invalid_precondition"
    )
    assert await kept.state() == before
    ok(await undo(workspace.api, changed["version"], headers={"If-Match": f'"{later["version"]}"'}), 204)
    assert (await kept.one(Task, task["id"]))["priority"] == "none"
    ok(await undo(workspace.api, later["version"], headers={"If-Match": "*"}), 204)


async def test_no_precondition_matches_what_is_not_there(workspace: Workspace, kept: Kept) -> None:
    label = await workspace.label()
    ok(await workspace.api.delete(f"/labels/{label['id']}"), 204)
    deleted = await kept.head()
    for value in ("*", f'"{label["version"]}"', f'"{deleted}"'):
        answer = await undo(workspace.api, deleted, headers={"If-Match": value})
        assert "current" not in refused(answer, 412, "precondition_failed")
    assert await kept.find(Label, label["id"]) is None
    ok(await undo(workspace.api, deleted), 204)


async def test_a_move_back_by_undo_needs_both_projects_open(workspace: Workspace, kept: Kept) -> None:
    await second_project(workspace)
    task = await workspace.task()
    moved = ok(await workspace.api.post(f"/tasks/{task['key']}/move", {"project_id": "INFRA"}))
    for key in ("INFRA", "FLUID"):
        ok(await workspace.api.post(f"/projects/{key}/archive"))
        refused(await undo(workspace.api, moved["version"]), 409, "archived")
        ok(await workspace.api.post(f"/projects/{key}/unarchive"))
    ok(await undo(workspace.api, moved["version"]), 204)
    stored = await kept.one(Task, task["id"])
    assert (stored["key"], stored["keys"], stored["project_id"]) == (
        "FLUID-1",
        ["FLUID-1"],
        workspace.project["id"],
    )
