import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.links.shared import LINKS, PASSWORD, opened, visitor
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("long_memory")
async def test_its_role_counts_at_once(workspace: Workspace) -> None:
    task = await workspace.task()
    link = await workspace.link("commenter")
    visit = await visitor(workspace, link)
    path = f"/tasks/{task['id']}/comments"
    ok(await visit.post(path, {"body": "One"}), 201)
    changed = await workspace.api.patch(f"{LINKS}/{link['id']}", {"role": "viewer", "name": "Everybody"})
    assert ok(changed)["token"] == link["token"]
    refused(await visit.post(path, {"body": "Two"}), 403, "permission_denied")
    author = ok(await workspace.api.get(f"/memberships/{link['membership_id']}"))
    assert author["display_name"] == "Everybody"


@pytest.mark.usefixtures("long_memory")
async def test_a_new_password_ends_visits(workspace: Workspace) -> None:
    link = await workspace.link("viewer")
    visit = await visitor(workspace, link)
    ok(await visit.get("/tasks"))
    ok(await workspace.api.patch(f"{LINKS}/{link['id']}", {"password": PASSWORD}))
    refused(await visit.get("/tasks"), 401, "invalid_token")
    refused(await opened(workspace.api, link), 401, "password_required")
    ok(await opened(workspace.api, link, PASSWORD), 200)
    assert ok(await workspace.api.patch(f"{LINKS}/{link['id']}", {"password": None}))["has_password"] is False
    ok(await opened(workspace.api, link), 200)


async def test_a_refused_change_changes_no_password(workspace: Workspace, services: Services) -> None:
    link = await workspace.link("viewer", password=PASSWORD)
    path = f"{LINKS}/{link['id']}"
    body = {"password": "another password"}
    refused(await workspace.member.patch(path, body), 403, "permission_denied")
    refused(await workspace.api.patch(path, body, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    ok(await workspace.api.patch(f"{path}?dry_run=true", body))
    ok(await opened(workspace.api, link, PASSWORD), 200)


async def test_of_another_project_or_none(workspace: Workspace) -> None:
    link = await workspace.link("viewer")
    ok(await workspace.api.post("/projects", {"key": "OTHER", "name": "Others", "visibility": "link"}), 201)
    for path in (f"/projects/OTHER/links/{link['id']}", f"{LINKS}/{new_id()}"):
        refused(await workspace.api.patch(path, {"role": "viewer"}), 404, "not_found")
        refused(await workspace.api.get(path), 404, "not_found")
        refused(await workspace.api.delete(path), 404, "not_found")
