"""Archives into a workspace, and again, and half."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.core.log import Event, Head
from app.models.comments import Comment
from app.models.imports import ImportState
from app.models.labels import Label
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.statuses import Status
from app.models.tasks import Task
from app.services.access import Scope
from app.services.bootstrap import Services
from app.services.integrity import check_workspace
from app.tests.support.archives import EXCERPT, excerpt, issue, lines, packed
from app.tests.support.clients import ok
from app.tests.support.factories import Workspace
from app.tests.test_domain.imports.conftest import Content, Import

pytestmark = pytest.mark.anyio

DATA = EXCERPT.read_bytes()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


async def test_the_excerpt_arrives_whole(do_import: Import, content: Content) -> None:
    before = await content.counts()
    run = await do_import(DATA)
    assert (run.state, run.error, run.problems) == (ImportState.DONE, None, [])
    issues = excerpt()
    comments = sum(len(one["comments"]) for one in issues)
    assert (run.total, run.done, run.created, run.comments) == (42, 42, 42, comments)
    assert (run.skipped, run.failed) == (0, 0)
    assert run.summary is not None
    after = await content.counts()
    made = {kind: after[kind] - before[kind] for kind in after}
    assert made == {
        "project": 3,
        "status": 16,
        "label": 17,
        "membership": 22,
        "task": 42,
        "comment": comments,
    }
    assert list(run.summary["created"].values()) == [3, 16, 17, 22, 42, comments]


@pytest.mark.parametrize("key", ["ACHECKER-8", "FLOE-28", "FLOE-116", "FLUID-44", "FLUID-118", "INFRA-55"])
async def test_tasks_are_field_by_field_what_the_file_says(
    do_import: Import, content: Content, key: str
) -> None:
    await do_import(DATA)
    given = next(one for one in excerpt() if one["key"] == key)
    task = await content.task(key)
    people, labels = await content.names(Membership), await content.names(Label)
    statuses = {doc["_id"]: doc for doc in await content.all(Status)}
    projects = {doc["_id"]: doc for doc in await content.all(Project)}
    assert (task["key"], task["keys"], task["former_keys"]) == (key, [key], [])
    assert projects[task["project_id"]]["key"] == given["project"]["key"]
    assert task["title"] == given["summary"].strip()
    assert task["description"] == given["description"].replace("\r\n", "\n").replace("\r", "\n")
    assert (task["created_at"], task["updated_at"]) == (utc(given["created"]), utc(given["updated"]))
    assert people[task["reporter_id"]] == given["reporter"]
    assert [people[one] for one in task["assignee_ids"]] == ([given["assignee"]] if given["assignee"] else [])
    assert [labels[one] for one in task["label_ids"]] == given["components"]
    assert task["category"] == statuses[task["status_id"]]["category"]
    assert statuses[task["status_id"]]["project_id"] == task["project_id"]
    assert task["external"] == {
        "source": "jira",
        "key": key,
        "url": None,
        "links": given["issueLinks"],
        "attachments": given["attachments"],
        "fields": {
            "type": given["type"],
            "status": given["status"],
            "resolution": given["resolution"],
            "priority": given["priority"],
            "versions": given["versions"],
            "fix_versions": given["fixVersions"],
            "environment": given["environment"],
        },
    }
    found = await content.comments(key)
    assert [
        (people[one["author_id"]], one["created_at"], one["body"])
        for one in sorted(found, key=lambda one: one["created_at"])
    ] == [
        (one["author"], utc(one["created"]), one["body"].replace("\r\n", "\n").replace("\r", "\n"))
        for one in sorted(given["comments"], key=lambda one: utc(one["created"]))
    ]


async def test_done_and_canceled_issues_ended_when_they_were_updated(
    do_import: Import, content: Content
) -> None:
    await do_import(DATA)
    for task in await content.all(Task):
        ended = {"done": task["completed_at"], "canceled": task["canceled_at"]}
        category = task["category"]
        assert ended == {name: task["updated_at"] if name == category else None for name in ended}


async def test_new_projects_get_the_columns_that_their_issues_need(
    do_import: Import, content: Content
) -> None:
    closed = {"status": "Closed", "resolution": "Fixed"}
    await do_import(lines(issue("DECA-7", **closed), issue("DECA-3", status="Odd"), issue("VP-2", **closed)))
    projects = {doc["key"]: doc for doc in await content.all(Project)}
    statuses = sorted(await content.all(Status), key=lambda doc: doc["rank"])
    boards = {
        key: [(doc["name"], doc["category"]) for doc in statuses if doc["project_id"] == project["_id"]]
        for key, project in projects.items()
    }
    assert boards["DECA"] == [("Odd", "backlog"), ("To Do", "todo"), ("Closed", "done")]
    assert boards["VP"] == [("To Do", "todo"), ("Closed", "done")]
    defaults = {doc["_id"]: doc["name"] for doc in statuses}
    assert defaults[projects["DECA"]["default_status_id"]] == "To Do"
    assert (projects["DECA"]["last_task_number"], projects["VP"]["last_task_number"]) == (7, 2)
    ranks = [(await content.task(key))["rank"] for key in ("DECA-7", "DECA-3")]
    assert ranks == sorted(ranks)
    assert projects["DECA"]["last_rank"] == ranks[-1]


async def test_new_tasks_go_on_from_the_imported_ones(do_import: Import, workspace: Workspace) -> None:
    await do_import(DATA)
    task = await workspace.task("A new one")
    assert task["key"] == "FLUID-6772"
    last = await workspace.api.get("/tasks", params={"project": "FLUID", "limit": 200})
    assert [one["key"] for one in ok(last)["items"]][-1] == "FLUID-6772"


async def test_a_second_run_imports_nothing(
    do_import: Import, content: Content, services: Services, scope: Scope
) -> None:
    await do_import(DATA)
    before = await content.counts()
    query = {"workspace_id": scope.workspace_id}
    events = await services.database.collection(Event).count_documents(query)
    run = await do_import(DATA)
    assert (run.state, run.created, run.skipped, run.done) == (ImportState.DONE, 0, 42, 42)
    assert run.summary is not None
    assert set(run.summary["created"].values()) == {0}
    assert list(run.summary["existing"].values()) == [4, 16, 17, 22, 42, 61]
    assert await content.counts() == before
    assert await services.database.collection(Event).count_documents(query) == events


async def test_a_second_run_leaves_alone_what_was_changed_here(
    do_import: Import, content: Content, workspace: Workspace
) -> None:
    await do_import(DATA)
    api = workspace.api
    label = next(doc for doc in await content.all(Label) if doc["name"] == "Framework")
    person = next(doc for doc in await content.all(Membership) if doc["user_id"] is None)
    ok(await api.patch("/tasks/FLUID-44", {"title": "Renamed here"}))
    ok(await api.patch(f"/labels/{label['_id']}", {"name": "Renamed here"}))
    ok(await api.patch(f"/memberships/{person['_id']}", {"display_name": "Renamed here"}))
    ok(await api.post("/tasks/FLUID-118/move", {"project_id": "INFRA"}))
    comment = (await content.comments("FLOE-28") or await content.all(Comment))[0]
    ok(await api.delete(f"/tasks/{comment['task_id']}/comments/{comment['_id']}"))
    before = await content.counts()
    names = {"assignee": person["display_name"], "reporter": "Nobody New", "components": ["Framework"]}
    more = lines(issue("FLUID-9000", status="Open", **names))
    run = await do_import(DATA + more)
    assert (run.created, run.skipped, run.failed) == (1, 42, 0)
    after = await content.counts()
    # One new person besides the task: the renamed label and the renamed person are still the same.
    different = {kind: after[kind] - before[kind] for kind in after if after[kind] != before[kind]}
    assert different == {"task": 1, "membership": 1}
    new = await content.task("FLUID-9000")
    assert (new["label_ids"], new["assignee_ids"]) == ([label["_id"]], [person["_id"]])


async def test_what_is_here_by_name_is_used(
    do_import: Import, content: Content, workspace: Workspace
) -> None:
    label = await workspace.label("UI OPTIONS")
    body = {"display_name": "Alex Doe"}
    person = ok(await workspace.api.post("/memberships", body), 201)
    await do_import(
        lines(issue("FLUID-5", status="done", components=["Ui Options", "UI options"], assignee="Alex Doe"))
    )
    task = await content.task("FLUID-5")
    assert task["label_ids"] == [label["id"]]
    assert task["assignee_ids"] == [person["id"]]
    assert task["project_id"] == workspace.project["id"]
    assert task["status_id"] == workspace.statuses["Done"]


async def test_the_log_says_that_it_was_an_import_and_keeps_to_the_law(
    do_import: Import, services: Services, scope: Scope, workspace: Workspace
) -> None:
    await do_import(DATA)
    activity = ok(await workspace.api.get("/tasks/FLOE-28/activity"))["items"]
    assert [one["command"] for one in activity] == ["import.issue"]
    assert activity[0]["source"]["channel"] == "cli"
    assert activity[0]["actor"] == {
        "kind": "import",
        "user_id": workspace.users["owner"].id,
        "membership_id": workspace.membership_ids["owner"],
    }
    head = await services.database.collection(Head).find_one({"_id": scope.workspace_id})
    assert head is not None
    report = await check_workspace(services.database, scope.workspace_id, head["seq"])
    assert report.good, report


async def test_a_dry_run_writes_nothing_and_counts_the_same(
    do_import: Import, content: Content, services: Services, scope: Scope
) -> None:
    await do_import(lines(*excerpt()[:20]))
    before = await content.counts()
    query = {"workspace_id": scope.workspace_id}
    events = await services.database.collection(Event).count_documents(query)
    foreseen = await do_import(DATA, dry_run=True)
    assert foreseen.state is ImportState.DONE
    assert await content.counts() == before
    assert await services.database.collection(Event).count_documents(query) == events
    run = await do_import(DATA)
    assert foreseen.summary == run.summary
    assert (foreseen.created, foreseen.comments, foreseen.skipped) == (run.created, run.comments, run.skipped)


BAD: list[dict[str, Any] | bytes] = [
    issue("DECA-1", components=["Kettle"], watchers=1),
    b"{",
    issue("DECA-2", created="soon"),
    issue("DECA-1", summary="Twice"),
    issue("FLUID-1"),
    issue("DECA-3", type="Design", priority="Odd", status="Odd"),
]


async def test_bad_lines_are_reported_and_the_others_imported(
    do_import: Import, content: Content, workspace: Workspace
) -> None:
    await workspace.task()
    run = await do_import(lines(*BAD))
    assert run.state is ImportState.DONE
    assert [(one.line, one.key, one.code) for one in run.problems] == [
        (2, None, "not_json"),
        (3, "DECA-2", "invalid"),
        (4, "DECA-1", "duplicate_key"),
        (5, "FLUID-1", "key_taken"),
    ]
    assert (run.total, run.done, run.created, run.failed) == (6, 6, 2, 4)
    assert (await content.task("DECA-1"))["title"] == "Focus is lost"
    assert (await content.task("FLUID-1"))["external"] is None
    assert run.summary is not None
    notes = {one["code"]: one for one in run.summary["not_mapped"]}
    assert set(notes) == {
        "member_ignored",
        "no_priority",
        "unknown_priority",
        "unknown_status",
        "unknown_type",
    }
    assert notes["member_ignored"]["names"] == [{"name": "watchers", "count": 1}]
    assert notes["unknown_type"]["lines"] == [1, 6]


async def test_strict_refuses_all_for_one_bad_line(do_import: Import, content: Content) -> None:
    before = await content.counts()
    run = await do_import(lines(*BAD), strict=True)
    assert (run.state, run.error, run.created) == (ImportState.FAILED, "bad_lines", 0)
    assert len(run.problems) == 3
    assert await content.counts() == before
    good = await do_import(DATA, strict=True)
    assert (good.state, good.created) == (ImportState.DONE, 42)


async def test_a_damaged_file_is_found_before_anything_is_written(
    do_import: Import, content: Content
) -> None:
    before = await content.counts()
    run = await do_import(packed(DATA)[:-100])
    assert (run.state, run.error) == (ImportState.FAILED, "damaged")
    assert await content.counts() == before


async def test_parents_are_found_wherever_they_stand(
    do_import: Import, content: Content, workspace: Workspace
) -> None:
    await do_import(lines(issue("DECA-50")))
    chain = [issue(f"DECA-{100 + depth}", parent=f"DECA-{99 + depth}") for depth in range(1, 25)]
    run = await do_import(
        lines(
            issue("DECA-1", parent={"key": "DECA-2"}, type="Sub-task"),
            issue("DECA-2", parent="DECA-3"),
            issue("DECA-3"),
            issue("DECA-4", parent="DECA-3"),
            issue("DECA-5", parent="DECA-50"),
            issue("DECA-6", parent="GONE-1"),
            issue("DECA-7", parent="DECA-8"),
            issue("DECA-8", parent="DECA-7"),
            issue("DECA-9", parent="DECA-9"),
            issue("DECA-100"),
            *chain,
        )
    )
    assert (run.state, run.created, run.failed, run.done) == (ImportState.DONE, 34, 0, 34)
    keys = {doc["_id"]: doc["key"] for doc in await content.all(Task)}
    parents = {doc["key"]: keys.get(doc["parent_id"]) for doc in await content.all(Task)}
    assert [parents[f"DECA-{number}"] for number in range(1, 10)] == [
        "DECA-2",
        "DECA-3",
        None,
        "DECA-3",
        "DECA-50",
        None,
        None,
        None,
        None,
    ]
    # A tree is at most 20 deep: what hangs lower begins another.
    assert [number for number in range(101, 125) if parents[f"DECA-{number}"] is None] == [120]
    assert run.summary is not None
    notes = {one["code"]: one["count"] for one in run.summary["not_mapped"]}
    assert (notes["parent_missing"], notes["parent_circle"]) == (2, 3)
    assert "subtask_without_parent" not in notes
    assert (await content.task("DECA-1"))["external"]["fields"]["parent"] == "DECA-2"


async def test_an_archived_project_takes_nothing(
    do_import: Import, content: Content, workspace: Workspace
) -> None:
    ok(await workspace.api.post("/projects/FLUID/archive"))
    run = await do_import(
        lines(issue("FLUID-1", status="Done"), issue("FLUID-2", status="Odd"), issue("DECA-1"))
    )
    assert (run.state, run.created, run.failed) == (ImportState.DONE, 1, 2)
    assert {(one.key, one.code) for one in run.problems} == {("FLUID-1", "archived"), ("FLUID-2", "archived")}
    assert (await content.counts())["task"] == 1


async def test_texts_are_cleaned_and_cut_and_nothing_of_them_is_lost(
    do_import: Import, content: Content
) -> None:
    title, body = "Focus\x07 " + "x" * 600, "y\x00" * 60_000
    comment = {"created": "2011-05-03T10:00:00Z", "author": " Ann\tDoe ", "body": "a\rb\x1bc"}
    long = {"created": "2011-05-03T11:00:00Z", "author": None, "body": "z" * 100_001}
    run = await do_import(
        lines(
            issue("DECA-1", summary=title, description=body, comments=[comment, long]),
            issue("DECA-2", summary=" "),
        )
    )
    assert run.created == 2
    task = await content.task("DECA-1")
    assert task["title"] == ("Focus  " + "x" * 600)[:500]
    assert task["description"] == ("y\N{REPLACEMENT CHARACTER}" * 60_000)[:100_000]
    assert task["external"]["fields"]["summary"] == title
    assert task["external"]["fields"]["description"] == body
    assert (await content.task("DECA-2"))["title"] == "DECA-2"
    people = await content.names(Membership)
    found = await content.comments("DECA-1")
    assert [(people.get(one["author_id"]), one["body"][:9]) for one in found] == [
        ("Ann Doe", "a\nb\N{REPLACEMENT CHARACTER}c"),
        (None, "z" * 9),
    ]
    assert run.summary is not None
    assert {one["code"] for one in run.summary["not_mapped"]} >= {
        "blank_title",
        "title_cut",
        "title_cleaned",
        "description_cut",
        "comment_cut",
        "text_cleaned",
    }
