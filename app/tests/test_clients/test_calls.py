"""Typed calls against the real application."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pastis_client import (
    Calls,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
)
from pastis_client import commands as do
from pastis_client.commands import Command
from pastis_client.optimism import Overlays, View
from pastis_client.replica import Replica

from app.services.bootstrap import Services
from app.tests.support.factories import Workspace, make_user
from app.tests.test_clients.conftest import Network, member

pytestmark = pytest.mark.anyio


@pytest.fixture
async def calls(url: str, workspace: Workspace, network: Network) -> AsyncIterator[Calls]:
    """The owner's."""
    async with member(url, workspace, "owner", network) as client:
        yield client.workspace(workspace.slug).calls


async def all_of(found: AsyncIterator[Any]) -> list[Any]:
    return [one async for one in found]


def shown(command: Command[Any], kind: str, doc: dict[str, Any]) -> dict[str, Any] | None:
    """A document as it is shown before the server has answered a command on it."""
    overlays = Overlays()
    overlays.add(command)
    docs = {kind: {doc["id"]: doc}} if doc else {}
    id_ = doc.get("id") or (command.body or {})["id"]
    return View(Replica("e", 1, "c", docs), overlays).get(kind, id_)


async def hold(calls: Calls, command: Command[Any], kind: str, doc: dict[str, Any], *unknown: str) -> Any:
    """Do it, and see that what was shown before is what came, but for what the server alone knows."""
    expected = shown(command, kind, doc)
    came = await calls.send(command)
    if came is None:
        assert expected is None
        return None
    assert expected is not None
    assert expected.keys() == came.keys()
    own = {"version", "created_at", "updated_at", "workspace_id", *unknown}
    assert {name for name in came if expected[name] != came[name]} <= own
    return came


async def test_tasks_are_shown_as_they_will_be(calls: Calls, workspace: Workspace) -> None:
    project = workspace.project["id"]
    new = ("key", "status_id", "reporter_id", "rank")
    fields: do.TaskFields = {"type": "bug", "priority": "high", "due_date": "2026-12-18", "estimate": 3}
    task = await hold(calls, do.create_task(project, "Focus is lost", **fields), "task", {}, *new)
    other = await calls.send(do.create_task("FLUID", "Another"))
    task = await hold(calls, do.update_task(task["id"], title="Focus", due_date=None), "task", task)
    status = workspace.statuses["Done"]
    moved = ("category", "completed_at", "rank")
    task = await hold(
        calls, do.rank_task(task["id"], after=other["id"], status_id=status), "task", task, *moved
    )
    task = await hold(calls, do.archive_task(task["id"]), "task", task, "archived_at")
    assert task["archived_at"]
    task = await hold(calls, do.unarchive_task(task["id"]), "task", task)
    task = await hold(calls, do.trash_task(task["id"]), "task", task, "trashed_at")
    assert task["trashed_at"]
    task = await hold(calls, do.restore_task(task["id"]), "task", task)
    infra = await hold(
        calls, do.create_project("INFRA", "Infrastructure"), "project", {}, "default_status_id"
    )
    gone = ("key", "former_keys", "status_id", "rank")
    task = await hold(calls, do.move_task(task["id"], infra["id"]), "task", task, *gone)
    assert task["key"] == "INFRA-1"
    assert await calls.task("FLUID-1") == task
    assert [event["command"] for event in await all_of(calls.activity(task["id"]))][-1] == "task.create"


async def test_what_belongs_to_projects_is_shown_as_it_will_be(calls: Calls) -> None:
    project = await calls.project("FLUID")
    id_ = project["id"]
    project = await hold(calls, do.update_project(id_, name="Infusion"), "project", dict(project))
    status = await hold(calls, do.create_status(id_, "Waiting", "in_progress"), "status", {}, "rank")
    status = await hold(calls, do.rename_status(id_, status["id"], "Blocked"), "status", status)
    status = await hold(calls, do.move_status(id_, status["id"], None), "status", status, "rank")
    assert (await all_of(calls.statuses("FLUID")))[0] == status
    await hold(calls, do.delete_status(id_, status["id"]), "status", status)
    task = await calls.send(do.create_task(id_, "Write the release notes"))
    comment = await hold(calls, do.create_comment(task["id"], "Soon."), "comment", {}, "author_id")
    edit = do.update_comment(task["id"], comment["id"], "Done.")
    comment = await hold(calls, edit, "comment", comment, "edited_at")
    assert await all_of(calls.comments(task["id"])) == [comment]
    await hold(calls, do.delete_comment(task["id"], comment["id"]), "comment", comment)
    project = await hold(calls, do.archive_project(id_), "project", dict(project), "archived_at")
    await hold(calls, do.unarchive_project(id_), "project", dict(project))
    assert [one["key"] for one in await all_of(calls.projects())] == ["FLUID"]


async def test_what_belongs_to_the_workspace(calls: Calls, services: Services) -> None:
    label = await hold(calls, do.create_label("Accessibility"), "label", {}, "color")
    label = await hold(calls, do.update_label(label["id"], color="#aa3300"), "label", label)
    assert await all_of(calls.labels()) == [label]
    await hold(calls, do.delete_label(label["id"]), "label", label)
    user = await make_user(services, "Laurel Williams")
    joined = await calls.send(do.add_member(user.email))
    joined = await calls.send(do.update_member(joined["id"], role="guest"))
    assert joined in await all_of(calls.memberships())
    await calls.send(do.remove_member(joined["id"]))
    assert joined["id"] not in [one["id"] for one in await all_of(calls.memberships())]
    assert (await calls.workspace())["name"] == "Fluid Project"


async def test_an_event_is_taken_back_by_its_number(calls: Calls) -> None:
    task = await calls.send(do.create_task("FLUID", "Focus is lost"))
    changed = await calls.answer(do.update_task(task["id"], title="Slip"))
    assert changed.number == changed.value["version"]
    nothing = await calls.answer(do.update_task(task["id"], title="Slip"))
    assert nothing.number == 0
    await calls.send(do.undo(changed.number))
    assert (await calls.task(task["id"]))["title"] == "Focus is lost"


async def test_lists_come_whole_whatever_their_pages(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [(await calls.send(do.create_task("FLUID", f"Task {number}")))["key"] for number in range(5)]
    monkeypatch.setattr("pastis_client.calls.PAGE", {"limit": 2})
    assert [task["key"] async for task in calls.tasks(project="FLUID", sort="created")] == made
    assert [task["key"] async for task in calls.tasks(q="task 3")] == ["FLUID-4"]
    assert [task["key"] async for task in calls.tasks(state="trashed")] == []


async def test_commands_are_done_once_over_a_network_that_loses_half(
    calls: Calls, network: Network, workspace: Workspace
) -> None:
    before = len(await all_of(calls.events()))
    chance = random.Random(11)
    network.losing = lambda _: chance.choice([None, "request", "answer", "503"])
    made = [await calls.send(do.create_task("FLUID", f"Task {number}")) for number in range(10)]
    again = do.update_task(made[0]["id"], title="Once")
    assert await calls.send(again) == await calls.send(again)
    network.losing = lambda _: None
    events = await all_of(calls.events())
    assert len(events) == before + 11
    assert [event["command"] for event in events[:2]] == ["task.update", "task.create"]


async def test_refusals_are_errors_of_their_kind(
    calls: Calls, url: str, workspace: Workspace, network: Network
) -> None:
    task = await calls.send(do.create_task("FLUID", "Focus is lost"))
    late = do.update_task(task["id"], title="Late", if_version=task["version"] - 1)
    with pytest.raises(PreconditionFailedError) as failed:
        await calls.send(late)
    assert failed.value.current == task
    with pytest.raises(NotFoundError):
        await calls.task("FLUID-99")
    await calls.send(do.trash_task(task["id"]))
    with pytest.raises(ConflictError) as conflict:
        await calls.send(do.update_task(task["id"], title="Late"))
    assert conflict.value.code == "trashed"
    with pytest.raises(InvalidError):
        await calls.send(do.create_task("FLUID", ""))
    async with member(url, workspace, "member", network) as client:
        with pytest.raises(ForbiddenError):
            await client.workspace(workspace.slug).calls.send(do.create_project("X", "Not mine"))
    async with member(url, workspace, "stranger", network) as client:
        with pytest.raises(NotFoundError):
            await client.workspace(workspace.slug).calls.workspace()


def test_a_command_is_the_same_after_it_was_kept() -> None:
    for command in (do.create_task("FLUID", "One"), do.trash_task("t"), do.update_task("t", if_version=3)):
        assert Command.from_json(command.to_json()) == command
