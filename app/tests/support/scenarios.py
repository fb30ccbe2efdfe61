"""One scenario for every command of the program: what must be there before, and the request that runs it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.tests.support.clients import Answer, ok
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

Request = Callable[[], Awaitable[Answer]]
Scenario = Callable[[Workspace], Awaitable["Request | Elsewhere"]]

SCENARIOS: dict[str, Scenario] = {}


@dataclass(frozen=True)
class Elsewhere:
    """A request that is about another workspace."""

    workspace_id: str
    request: Request


def scenario(command: str) -> Callable[[Scenario], Scenario]:
    def register(function: Scenario) -> Scenario:
        SCENARIOS[command] = function
        return function

    return register


async def second_project(workspace: Workspace) -> dict[str, Any]:
    project: dict[str, Any] = ok(
        await workspace.api.post("/projects", {"key": "INFRA", "name": "Infrastructure"}), 201
    )
    return project


async def full_task(workspace: Workspace) -> dict[str, Any]:
    """A task with all that a task can have."""
    parent = await workspace.task("Make all components accessible by keyboard", type="epic")
    return await workspace.task(
        "Reorderer: arrow keys do not move the item",
        description="Steps: focus an item, press **Ctrl+Down**.",
        type="bug",
        priority="high",
        label_ids=[(await workspace.label())["id"]],
        assignee_ids=[workspace.membership_ids["member"]],
        parent_id=parent["id"],
        estimate=2.5,
        start_date="2026-11-23",
        due_date="2026-12-18",
        status_id=workspace.statuses["In Progress"],
    )


@scenario("workspace.create")
async def _create_workspace(workspace: Workspace) -> Elsewhere:
    id_ = new_id()
    body = {"id": id_, "slug": f"decapod-{id_[-12:]}", "name": "Decapod", "description": "Scan books"}
    anywhere = workspace.api.at("")
    return Elsewhere(id_, lambda: anywhere.post("/api/v1/workspaces", body))


@scenario("workspace.update")
async def _update_workspace(workspace: Workspace) -> Request:
    by_id = workspace.api.at(f"/api/v1/workspaces/{workspace.id}")
    changes = {"name": "Fluid", "slug": f"fluid-{new_id()[-12:]}", "description": "Inclusive design"}
    return lambda: by_id.patch("", changes)


@scenario("membership.create")
async def _create_membership(workspace: Workspace) -> Request:
    body = {"email": workspace.users["stranger"].email, "role": "admin"}
    return lambda: workspace.api.post("/memberships", body)


@scenario("membership.update")
async def _update_membership(workspace: Workspace) -> Request:
    path = f"/memberships/{workspace.membership_ids['member']}"
    return lambda: workspace.api.patch(path, {"role": "admin", "display_name": "Anastasia C."})


@scenario("membership.remove")
async def _remove_membership(workspace: Workspace) -> Request:
    """Of somebody with a team, a grant and an invitation, which end with it."""
    member = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(member, {"role": "admin"}))
    ok(await workspace.member.post("/invitations", {"role": "guest"}), 201)
    await workspace.team("Design", "member", "admin")
    await grant(workspace)
    return lambda: workspace.api.delete(f"/memberships/{workspace.membership_ids['member']}")


@scenario("membership.merge")
async def _merge_membership(workspace: Workspace) -> Request:
    """Of somebody in a team, with a grant and a project, which the member has then."""
    body = {"display_name": "Yura Zenevich"}
    placeholder = ok(await workspace.api.post("/memberships", body), 201)["id"]
    await second_project(workspace)
    ok(await workspace.api.patch("/projects/INFRA", {"lead_id": placeholder}))
    ok(await workspace.api.post("/teams", {"name": "Design", "member_ids": [placeholder]}), 201)
    ok(await workspace.grant("viewer", membership_id=placeholder), 201)
    merge = {"into_id": workspace.membership_ids["member"]}
    return lambda: workspace.api.post(f"/memberships/{placeholder}/merge", merge)


async def invited(workspace: Workspace, **body: Any) -> dict[str, Any]:
    invitation: dict[str, Any] = ok(await workspace.api.post("/invitations", body), 201)
    return invitation


@scenario("invitation.create")
async def _create_invitation(workspace: Workspace) -> Request:
    body = {"email": f"{new_id()}@fluid.example", "role": "admin", "expires_in_days": 90}
    return lambda: workspace.api.post("/invitations", body)


@scenario("invitation.resend")
async def _resend_invitation(workspace: Workspace) -> Request:
    invitation = await invited(workspace, email=f"{new_id()}@fluid.example")
    return lambda: workspace.api.post(f"/invitations/{invitation['id']}/resend")


@scenario("invitation.accept")
async def _accept_invitation(workspace: Workspace) -> Request:
    """By somebody who becomes a placeholder."""
    placeholder = ok(await workspace.api.post("/memberships", {"display_name": "M. D."}), 201)["id"]
    invitation = await invited(workspace, membership_id=placeholder, role="guest")
    body = {"token": invitation["link"].partition("#token=")[2]}
    return lambda: workspace.stranger.at("").post("/api/v1/invitations/accept", body)


@scenario("invitation.delete")
async def _delete_invitation(workspace: Workspace) -> Request:
    invitation = await invited(workspace, role="guest")
    return lambda: workspace.api.delete(f"/invitations/{invitation['id']}")


@scenario("project.create")
async def _create_project(workspace: Workspace) -> Request:
    body = {"key": "INFRA", "name": "Infrastructure", "lead_id": workspace.membership_ids["admin"]}
    return lambda: workspace.api.post("/projects", body)


@scenario("project.update")
async def _update_project(workspace: Workspace) -> Request:
    changes = {
        "name": "Infusion",
        "description": "A framework",
        "lead_id": workspace.membership_ids["member"],
        "default_status_id": workspace.statuses["Backlog"],
    }
    return lambda: workspace.api.patch("/projects/FLUID", changes)


@scenario("project.archive")
async def _archive_project(workspace: Workspace) -> Request:
    await full_task(workspace)
    return lambda: workspace.api.post("/projects/FLUID/archive")


@scenario("project.unarchive")
async def _unarchive_project(workspace: Workspace) -> Request:
    ok(await workspace.api.post("/projects/FLUID/archive"))
    return lambda: workspace.api.post("/projects/FLUID/unarchive")


@scenario("status.create")
async def _create_status(workspace: Workspace) -> Request:
    body = {"name": "In review", "category": "in_progress"}
    return lambda: workspace.api.post("/projects/FLUID/statuses", body)


@scenario("status.update")
async def _update_status(workspace: Workspace) -> Request:
    path = f"/projects/FLUID/statuses/{workspace.statuses['Done']}"
    return lambda: workspace.api.patch(path, {"name": "Released"})


@scenario("status.move")
async def _move_status(workspace: Workspace) -> Request:
    path = f"/projects/FLUID/statuses/{workspace.statuses['Done']}/move"
    return lambda: workspace.api.post(path, {"after_id": workspace.statuses["Backlog"]})


@scenario("status.delete")
async def _delete_status(workspace: Workspace) -> Request:
    """The project's default, which another status becomes."""
    return lambda: workspace.api.delete(f"/projects/FLUID/statuses/{workspace.statuses['Todo']}")


@scenario("team.create")
async def _create_team(workspace: Workspace) -> Request:
    body = {"name": "Design", "member_ids": [workspace.membership_ids["member"]]}
    return lambda: workspace.api.post("/teams", body)


@scenario("team.update")
async def _update_team(workspace: Workspace) -> Request:
    team = await workspace.team("Design", "member")
    body = {"name": "Design and research", "member_ids": [workspace.membership_ids["admin"]]}
    return lambda: workspace.api.patch(f"/teams/{team['id']}", body)


@scenario("team.add_member")
async def _create_team_member(workspace: Workspace) -> Request:
    team = await workspace.team("Design")
    path = f"/teams/{team['id']}/members/{workspace.membership_ids['member']}"
    return lambda: workspace.api.request("PUT", path)


@scenario("team.remove_member")
async def _delete_team_member(workspace: Workspace) -> Request:
    team = await workspace.team("Design", "member")
    path = f"/teams/{team['id']}/members/{workspace.membership_ids['member']}"
    return lambda: workspace.api.delete(path)


@scenario("team.delete")
async def _delete_team(workspace: Workspace) -> Request:
    """With a grant and a task that let go of it."""
    team = await workspace.team("Design", "member")
    ok(await workspace.grant("lead", team_id=team["id"]), 201)
    await workspace.task(assignee_ids=[team["id"], workspace.membership_ids["member"]])
    return lambda: workspace.api.delete(f"/teams/{team['id']}")


async def role(workspace: Workspace) -> str:
    body = {"name": "Triage", "permissions": ["task:update"]}
    return str(ok(await workspace.api.post("/roles", body), 201)["id"])


@scenario("role.create")
async def _create_role(workspace: Workspace) -> Request:
    return lambda: workspace.api.post("/roles", {"name": "Triage", "permissions": ["task:update"]})


@scenario("role.update")
async def _update_role(workspace: Workspace) -> Request:
    path = f"/roles/{await role(workspace)}"
    return lambda: workspace.api.patch(path, {"name": "QA", "permissions": ["comment:create"]})


@scenario("role.delete")
async def _delete_role(workspace: Workspace) -> Request:
    path = f"/roles/{await role(workspace)}"
    return lambda: workspace.api.delete(path)


async def grant(workspace: Workspace) -> str:
    answer = await workspace.grant("viewer", membership_id=workspace.membership_ids["member"])
    return f"/projects/FLUID/grants/{ok(answer, 201)['id']}"


@scenario("grant.create")
async def _create_grant(workspace: Workspace) -> Request:
    return lambda: workspace.grant("lead", membership_id=workspace.membership_ids["member"])


@scenario("grant.update")
async def _update_grant(workspace: Workspace) -> Request:
    path = await grant(workspace)
    custom = await role(workspace)
    return lambda: workspace.api.patch(path, {"role": "contributor", "custom_role_id": custom})


@scenario("grant.delete")
async def _delete_grant(workspace: Workspace) -> Request:
    path = await grant(workspace)
    return lambda: workspace.api.delete(path)


@scenario("label.create")
async def _create_label(workspace: Workspace) -> Request:
    body = {"name": "Accessibility", "color": "#2ca02c", "description": "WCAG 2.2"}
    return lambda: workspace.api.post("/labels", body)


@scenario("label.update")
async def _update_label(workspace: Workspace) -> Request:
    label = await workspace.label()
    return lambda: workspace.api.patch(f"/labels/{label['id']}", {"name": "A11y", "color": "#000000"})


@scenario("label.delete")
async def _delete_label(workspace: Workspace) -> Request:
    """With tasks that let go of it."""
    label, other = await workspace.label(), await workspace.label("Uploader")
    for title in ("Progress is not announced", "Focus is lost"):
        await workspace.task(title, label_ids=[other["id"], label["id"]])
    return lambda: workspace.api.delete(f"/labels/{label['id']}")


@scenario("task.create")
async def _create_task(workspace: Workspace) -> Request:
    label = await workspace.label()
    body = {
        "project_id": "FLUID",
        "title": "Uploader: progress is not announced to screen readers",
        "label_ids": [label["id"]],
        "assignee_ids": [workspace.membership_ids["owner"]],
        "status_id": workspace.statuses["Done"],
        "due_date": "2026-12-18",
    }
    return lambda: workspace.api.post("/tasks", body)


@scenario("task.update")
async def _update_task(workspace: Workspace) -> Request:
    task = await full_task(workspace)
    changes: dict[str, Any] = {
        "title": "Reorderer: Ctrl+Down does nothing",
        "description": "",
        "type": "story",
        "priority": "urgent",
        "label_ids": [],
        "assignee_ids": [],
        "parent_id": None,
        "estimate": None,
        "start_date": None,
        "due_date": "2027-01-15",
        "status_id": workspace.statuses["Done"],
    }
    return lambda: workspace.api.patch(f"/tasks/{task['key']}", changes)


@scenario("task.rank")
async def _rank_task(workspace: Workspace) -> Request:
    task, anchor = await full_task(workspace), await workspace.task()
    body = {"after_id": anchor["key"], "status_id": workspace.statuses["Canceled"]}
    return lambda: workspace.api.post(f"/tasks/{task['key']}/rank", body)


@scenario("task.move")
async def _move_task(workspace: Workspace) -> Request:
    await second_project(workspace)
    task = await full_task(workspace)
    await workspace.comment(task)
    return lambda: workspace.api.post(f"/tasks/{task['key']}/move", {"project_id": "INFRA"})


@scenario("task.archive")
async def _archive_task(workspace: Workspace) -> Request:
    task = await full_task(workspace)
    return lambda: workspace.api.post(f"/tasks/{task['key']}/archive")


@scenario("task.unarchive")
async def _unarchive_task(workspace: Workspace) -> Request:
    task = await full_task(workspace)
    ok(await workspace.api.post(f"/tasks/{task['key']}/archive"))
    return lambda: workspace.api.post(f"/tasks/{task['key']}/unarchive")


@scenario("task.trash")
async def _trash_task(workspace: Workspace) -> Request:
    task = await full_task(workspace)
    return lambda: workspace.api.delete(f"/tasks/{task['key']}")


@scenario("task.restore")
async def _restore_task(workspace: Workspace) -> Request:
    task = await full_task(workspace)
    ok(await workspace.api.delete(f"/tasks/{task['key']}"))
    return lambda: workspace.api.post(f"/tasks/{task['key']}/restore")


@scenario("comment.create")
async def _create_comment(workspace: Workspace) -> Request:
    task = await workspace.task()
    return lambda: workspace.api.post(f"/tasks/{task['key']}/comments", {"body": "Fixed in r10241."})


@scenario("comment.update")
async def _update_comment(workspace: Workspace) -> Request:
    task = await workspace.task()
    comment = await workspace.comment(task)
    path = f"/tasks/{task['key']}/comments/{comment['id']}"
    return lambda: workspace.api.patch(path, {"body": "Fixed on main, see r10241."})


@scenario("comment.delete")
async def _delete_comment(workspace: Workspace) -> Request:
    task = await workspace.task()
    comment = await workspace.comment(task)
    return lambda: workspace.api.delete(f"/tasks/{task['key']}/comments/{comment['id']}")


@scenario("event.undo")
async def _undo_event(workspace: Workspace) -> Request:
    task = await full_task(workspace)
    done = ok(await workspace.api.patch(f"/tasks/{task['key']}", {"priority": "low", "label_ids": []}))
    return lambda: workspace.api.post(f"/events/{done['version']}/undo")


@scenario("link.create")
async def _create_link(workspace: Workspace) -> Request:
    await workspace.link("viewer")
    body = {"name": "Beta testers", "role": "commenter", "password": "four words at once"}
    return lambda: workspace.api.post("/projects/FLUID/links", body)


@scenario("link.update")
async def _update_link(workspace: Workspace) -> Request:
    path = f"/projects/FLUID/links/{(await workspace.link('viewer'))['id']}"
    return lambda: workspace.api.patch(path, {"name": "Everybody", "role": "commenter"})


@scenario("link.delete")
async def _delete_link(workspace: Workspace) -> Request:
    path = f"/projects/FLUID/links/{(await workspace.link('viewer'))['id']}"
    return lambda: workspace.api.delete(path)
