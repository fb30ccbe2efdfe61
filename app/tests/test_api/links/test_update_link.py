from datetime import timedelta

import pytest

from app.models.links import LinkPassword
from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import unchanged
from app.tests.support.factories import Workspace
from app.tests.test_api.links.shared import LINKS, PASSWORD, opened, visitor
from app.utils.ids import new_id
from app.utils.times import rfc3339

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


async def test_of_a_former_password_nothing_stays(workspace: Workspace, services: Services) -> None:
    link = await workspace.link("viewer", password=PASSWORD)
    ok(await workspace.api.patch(f"{LINKS}/{link['id']}", {"password": None}))
    assert await services.database.collection(LinkPassword).count_documents({"_id": link["id"]}) == 0


async def test_an_end_that_is_past(workspace: Workspace, clock: TestClock) -> None:
    link = await workspace.link("viewer")
    path = f"{LINKS}/{link['id']}"
    problem = refused(
        await workspace.api.patch(path, {"expires_at": rfc3339(clock.now())}), 422, "validation_failed"
    )
    assert [one["pointer"] for one in problem["errors"]] == ["/expires_at"]
    ok(await workspace.api.patch(path, {"expires_at": rfc3339(clock.now() + timedelta(minutes=1))}))
    clock.forward(minutes=2)
    # What has ended already may be changed in all else, or be given another end.
    ok(await workspace.api.patch(path, {"name": "Everybody"}))
    ok(await workspace.api.patch(path, {"expires_at": None}))
    ok(await opened(workspace.api, link), 200)


async def test_nobody_gives_what_they_do_not_have(workspace: Workspace) -> None:
    viewer, commenter = await workspace.link("viewer"), await workspace.link("commenter")
    body = {"name": "Sharer", "permissions": ["link:update", "comment:read"]}
    role = ok(await workspace.api.post("/roles", body), 201)
    path = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(path, {"custom_role_id": role["id"]}))
    ok(await workspace.member.patch(f"{LINKS}/{viewer['id']}", {"expires_at": None, "name": "Ours"}))
    more = await workspace.member.patch(f"{LINKS}/{viewer['id']}", {"role": "commenter"})
    refused(more, 403, "permission_denied")
    # Also what is given already would be given by who changes it.
    same = await workspace.member.patch(f"{LINKS}/{commenter['id']}", {"password": None})
    refused(same, 403, "permission_denied")
    ok(await workspace.member.patch(f"{LINKS}/{commenter['id']}", {"role": "viewer"}))


async def test_of_an_archived_project(workspace: Workspace, services: Services) -> None:
    link = await workspace.link("viewer")
    ok(await workspace.api.post("/projects/FLUID/archive"))
    async with unchanged(services, workspace):
        refused(await workspace.api.patch(f"{LINKS}/{link['id']}", {"name": "New"}), 409, "archived")


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
