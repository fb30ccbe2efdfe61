"""What is taken already is named: 409 `already_exists` with a pointer to the member."""

import asyncio
from typing import Any

import pytest

from app.tests.support.clients import Answer, ok, refused
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
WORKSPACES = "/api/v1/workspaces"


def pointer(answer: Answer) -> str:
    (error,) = refused(answer, 409, "already_exists")["errors"]
    assert error["detail"] == "The value is taken already."
    return str(error["pointer"])


async def test_every_member_that_can_be_taken(workspace: Workspace, other_workspace: Workspace) -> None:
    api, anywhere = workspace.api, workspace.api.at("")
    task = await workspace.task()
    label, comment = await workspace.label(), await workspace.comment(task)
    team, role = await workspace.team("Design"), {"name": "QA", "permissions": ["task:read"]}
    ok(await api.post("/roles", role), 201)
    invitation = ok(await api.post("/invitations", {}), 201)
    link = await workspace.link("viewer")
    statuses = "/projects/FLUID/statuses"
    comments = f"/tasks/{task['key']}/comments"
    taken: list[tuple[str, str, dict[str, Any]]] = [
        ("/key", "/projects", {"key": "FLUID", "name": "Again"}),
        ("/id", "/projects", {"id": workspace.project["id"], "key": "NEW", "name": "Again"}),
        ("/name", statuses, {"name": "todo", "category": "todo"}),
        ("/id", statuses, {"id": workspace.statuses["Todo"], "name": "New", "category": "todo"}),
        ("/name", "/labels", {"name": label["name"].upper()}),
        ("/id", "/labels", {"id": label["id"], "name": "New"}),
        ("/id", "/tasks", {"id": task["id"], "project_id": "FLUID", "title": "Again"}),
        ("/id", comments, {"id": comment["id"], "body": "Again."}),
        ("/email", "/memberships", {"email": workspace.users["member"].email}),
        ("/id", "/memberships", {"id": workspace.membership_ids["member"], "display_name": "Again"}),
        ("/name", "/teams", {"name": team["name"].upper()}),
        ("/id", "/teams", {"id": team["id"], "name": "New"}),
        ("/name", "/roles", role),
        ("/id", "/invitations", {"id": invitation["id"]}),
        ("/id", "/projects/FLUID/links", {"id": link["id"], "name": "Again", "role": "viewer"}),
    ]
    for expected, path, body in taken:
        assert pointer(await api.post(path, body)) == expected, (path, body)
    body = {"slug": workspace.slug, "name": "Again"}
    assert pointer(await anywhere.post(WORKSPACES, body)) == "/slug"
    body = {"slug": f"w-{new_id()}", "name": "Again", "id": workspace.id}
    assert pointer(await anywhere.post(WORKSPACES, body)) == "/id"
    assert pointer(await api.patch("", {"slug": other_workspace.slug})) == "/slug"
    assert pointer(await api.patch(f"{statuses}/{workspace.statuses['Done']}", {"name": "Todo"})) == "/name"


async def test_an_id_of_another_workspace(workspace: Workspace, other_workspace: Workspace) -> None:
    """Only the database knows of it."""
    theirs = await other_workspace.task()
    body = {"id": theirs["id"], "project_id": "FLUID", "title": "Mine"}
    assert pointer(await workspace.api.post("/tasks", body)) == "/id"


async def test_a_slug_that_another_takes_at_the_same_moment(workspace: Workspace) -> None:
    body = {"slug": f"w-{new_id()}", "name": "Decapod"}
    answers = await asyncio.gather(*(workspace.api.at("").post(WORKSPACES, body) for _ in range(6)))
    made = [one for one in answers if one.status_code == 201]
    assert len(made) == 1
    assert {pointer(one) for one in answers if one not in made} == {"/slug"}
    assert ok(await workspace.api.at(WORKSPACES).get(f"/{body['slug']}"))["id"] == made[0].json()["id"]
