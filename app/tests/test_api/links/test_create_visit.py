import pytest

from app.core.security import token_hash
from app.models.links import Visit
from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.tests.test_api.links.shared import PASSWORD, VISITS, opened, visitor
from app.utils.ids import new_id
from app.utils.times import rfc3339

pytestmark = pytest.mark.anyio


async def test_the_answer_and_what_is_kept(workspace: Workspace, services: Services) -> None:
    link = await workspace.link("commenter")
    answer = await opened(workspace.api, link)
    visit = ok(answer, 200)
    assert answer.headers["cache-control"] == "no-store"
    assert visit.pop("access_token").startswith("pastis_vst_")
    assert visit == {
        "token_type": "bearer",
        "expires_in": 12 * 3600,
        "workspace_id": workspace.id,
        "project_id": workspace.project["id"],
        "membership_id": link["membership_id"],
        "role": "commenter",
    }
    token = ok(await opened(workspace.api, link))["access_token"]
    kept = await services.database.collection(Visit).find_one({"token_hash": token_hash(token)})
    assert kept is not None
    assert token not in str(kept)


async def test_a_visitor_sees_the_lead(workspace: Workspace) -> None:
    visit = await visitor(workspace, await workspace.link("viewer"))
    lead = workspace.membership_ids["member"]
    refused(await visit.get(f"/memberships/{lead}"), 404, "not_found")
    ok(await workspace.api.patch("/projects/FLUID", {"lead_id": lead}))
    ok(await visit.get(f"/memberships/{lead}"))


async def test_a_visitor_sees_who_people_are_and_not_what_they_may(workspace: Workspace) -> None:
    visit = await visitor(workspace, await workspace.link("viewer"))
    owner = workspace.membership_ids["owner"]
    known = ok(await workspace.member.get(f"/memberships/{owner}"))
    seen = ok(await visit.get(f"/memberships/{owner}"))
    assert seen == known | {"custom_role_id": None, "role": None, "user_id": None}
    assert known["user_id"] is not None
    listed = ok(await visit.get("/memberships"))["items"]
    assert seen in listed
    assert {(one["role"], one["user_id"]) for one in listed} == {(None, None)}


async def test_what_a_visitor_sees(workspace: Workspace) -> None:
    """The project with its tasks and comments, and not who else there is, or what else."""
    ok(await workspace.api.post("/projects", {"key": "OTHER", "name": "Others"}), 201)
    hidden = ok(await workspace.api.post("/tasks", {"project_id": "OTHER", "title": "Hidden"}), 201)
    task = await workspace.task()
    comment = await workspace.comment(task)
    visit = await visitor(workspace, await workspace.link("viewer"))
    assert [one["key"] for one in ok(await visit.get("/projects"))["items"]] == ["FLUID"]
    assert [one["id"] for one in ok(await visit.get("/tasks"))["items"]] == [task["id"]]
    assert ok(await visit.get(f"/tasks/{task['key']}"))["title"] == task["title"]
    assert ok(await visit.get(f"/tasks/{task['id']}/comments"))["items"][0]["id"] == comment["id"]
    assert len(ok(await visit.get("/projects/FLUID/statuses"))["items"]) == len(workspace.statuses)
    refused(await visit.get(f"/tasks/{hidden['id']}"), 404, "not_found")
    refused(await visit.get("/projects/OTHER"), 404, "not_found")
    names = {one["display_name"] for one in ok(await visit.get("/memberships"))["items"]}
    assert names == {"Beta testers", "Justin Obara", "Colin Clark"}  # itself, owner and admin
    refused(await visit.get("/events"), 403, "permission_denied")
    refused(await visit.get(f"/tasks/{task['id']}/activity"), 403, "permission_denied")
    assert ok(await visit.get("/projects/FLUID/grants"))["items"] == []


async def test_what_a_viewer_may_not(workspace: Workspace) -> None:
    task = await workspace.task()
    visit = await visitor(workspace, await workspace.link("viewer"))
    path = f"/tasks/{task['id']}"
    refused(await visit.post(f"{path}/comments", {"body": "Me too"}), 403, "permission_denied")
    refused(await visit.patch(path, {"title": "Mine"}), 403, "permission_denied")
    refused(await visit.post("/tasks", {"project_id": "FLUID", "title": "Mine"}), 403, "permission_denied")
    refused(await visit.post("/labels", {"name": "Mine"}), 403, "permission_denied")
    for account in ("/api/v1/me", "/api/v1/me/tokens", "/api/v1/workspaces"):
        problem = refused(await visit.at("").get(account), 403, "login_required")
        assert problem["detail"] == "This is for people with an account of their own; a link has none."


async def test_a_commenter_signs_with_the_name_of_the_link(workspace: Workspace) -> None:
    task = await workspace.task()
    link = await workspace.link("commenter")
    visit = await visitor(workspace, link)
    answer = await visit.post(f"/tasks/{task['id']}/comments", {"body": "It works for me."})
    comment = ok(answer, 201)
    assert comment["author_id"] == link["membership_id"]
    event = ok(await workspace.api.get(f"/events/{answer.headers['pastis-event']}"))
    assert event["actor"] == {"kind": "link", "user_id": None, "membership_id": link["membership_id"]}
    path = f"/tasks/{task['id']}/comments/{comment['id']}"
    refused(await visit.patch(path, {"body": "Edited"}), 403, "permission_denied")
    refused(await visit.delete(path), 403, "permission_denied")


async def test_why_a_visitor_may_do_something(workspace: Workspace) -> None:
    visit = await visitor(workspace, await workspace.link("commenter"))
    told = ok(await visit.get("/permissions?project=FLUID"))["permissions"]
    allowed = {one["permission"] for one in told if one["allowed"]}
    assert allowed == {"comment:create", "comment:read", "project:read", "status:read", "task:read"}
    assert {by["kind"] for one in told for by in one["by"]} == {"link"}


async def test_of_one_workspace_only(workspace: Workspace, other_workspace: Workspace) -> None:
    visit = await visitor(workspace, await workspace.link("viewer"))
    ok(await visit.get("/tasks"))
    ok(await visit.at(f"/api/v1/workspaces/{workspace.id}").get("/tasks"))
    refused(await visit.at(other_workspace.api.base).get("/tasks"), 404, "not_found")


async def test_with_a_password(workspace: Workspace) -> None:
    link = await workspace.link("viewer", password=PASSWORD)
    refused(await opened(workspace.api, link), 401, "password_required")
    problem = refused(await opened(workspace.api, link, "four other words"), 401, "invalid_credentials")
    assert problem["detail"] == "The password of this link is wrong."
    ok(await opened(workspace.api, link, PASSWORD), 200)
    entry = ok(await workspace.api.get("/audit?kind=link.fail"))["items"][0]
    assert entry["detail"] == {"link": link["id"]}


async def test_guessing_a_password_ends(workspace: Workspace) -> None:
    link = await workspace.link("viewer", password=PASSWORD)
    codes = [(await opened(workspace.api, link, f"guess {n}")).json()["code"] for n in range(12)]
    assert codes[0] == "invalid_credentials"
    assert codes[-1] == "too_many_requests"


async def test_what_opens_nothing(workspace: Workspace, other_workspace: Workspace) -> None:
    link = await workspace.link("viewer")
    foreign = await other_workspace.link("viewer")
    forged = link["token"][:-1] + ("A" if link["token"][-1] != "A" else "B")
    mixed = f"pastis_lnk_{link['id']}.{foreign['token'].partition('.')[2]}"
    for token in (forged, mixed, "x", "pastis_lnk_", f"pastis_lnk_{new_id()}.x", link["id"], "é" * 50):
        refused(await opened(workspace.api, {"token": token}), 410, "invalid_link")


async def test_a_link_of_before_the_secret_changed(workspace: Workspace, services: Services) -> None:
    link = await workspace.link("viewer")
    secrets = services.visits._secrets
    services.visits._secrets = [b"another", *secrets]
    try:
        ok(await opened(workspace.api, link), 200)
        services.visits._secrets = [b"another"]
        refused(await opened(workspace.api, link), 410, "invalid_link")
    finally:
        services.visits._secrets = secrets


@pytest.mark.usefixtures("long_memory")
async def test_out_at_once(workspace: Workspace) -> None:
    """When the link ends, or its project is no longer open to links."""
    link = await workspace.link("viewer")
    visit = await visitor(workspace, link)
    ok(await visit.get("/tasks"))
    ok(await workspace.api.patch("/projects/FLUID", {"visibility": "workspace"}))
    refused(await visit.get("/tasks"), 401, "invalid_token")
    refused(await opened(workspace.api, link), 410, "invalid_link")
    ok(await workspace.api.patch("/projects/FLUID", {"visibility": "link"}))
    ok(await visit.get("/tasks"))
    ok(await workspace.api.delete(f"/projects/FLUID/links/{link['id']}"), 204)
    refused(await visit.get("/tasks"), 401, "invalid_token")
    refused(await opened(workspace.api, link), 410, "invalid_link")


async def test_the_end_of_the_link_and_of_the_visit(workspace: Workspace, clock: TestClock) -> None:
    ever = await workspace.link("viewer")
    short = await workspace.link("viewer", expires_at=rfc3339(clock.now().replace(year=2031)))
    visit = await visitor(workspace, ever)
    clock.forward(hours=12, seconds=1)
    refused(await visit.get("/tasks"), 401, "invalid_token")
    ok(await opened(workspace.api, short), 200)
    clock.forward(days=365 * 6)
    refused(await opened(workspace.api, short), 410, "invalid_link")
    ok(await opened(workspace.api, ever), 200)


async def test_a_visit_ends_with_its_link(workspace: Workspace, clock: TestClock) -> None:
    in_an_hour = clock.now().timestamp() + 3600
    until = rfc3339(type(clock.now()).fromtimestamp(in_an_hour, tz=clock.now().tzinfo))
    link = await workspace.link("viewer", expires_at=until)
    assert ok(await opened(workspace.api, link))["expires_in"] <= 3600


async def test_the_token_of_a_link_is_no_credential(workspace: Workspace) -> None:
    link = await workspace.link("viewer")
    refused(await workspace.api.as_(link["token"]).get("/tasks"), 401, "invalid_token")
    refused(await workspace.api.at("").post(VISITS, {"token": workspace.api.token}), 410, "invalid_link")
