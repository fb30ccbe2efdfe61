"""Teams: what they are made of, and what lets go of them."""

import pytest

from app.models.grants import Grant
from app.models.teams import Team
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    MEMBERS_AND_STRANGERS,
    check_denied,
    check_dry_run,
    check_not_modified,
    check_pages,
    check_preconditions,
    check_replay,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace, make_user
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_create(workspace: Workspace, services: Services) -> None:
    body = {"name": "Design", "description": "", "member_ids": [workspace.membership_ids["member"]]}
    answer = await workspace.admin.post("/teams", body)
    team = ok(answer, 201)
    assert {name: team[name] for name in body} == body
    assert answer.headers["location"].endswith(f"/teams/{team['id']}")
    assert ok(await workspace.member.get(f"/teams/{team['id']}")) == team
    kept = await stored(services, Team, team["id"])
    assert kept is not None
    assert (kept["folded"], kept["member_ids"]) == ("design", body["member_ids"])
    assert (await last_event(services, workspace))["command"] == "team.create"


async def test_members_and_strangers_may_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.post("/teams", {"name": "Design"})

    await check_denied(services, workspace, send, MEMBERS_AND_STRANGERS)
    guest = await workspace.guest(services, FLUID="lead")
    refused(await guest.get("/teams"), 403, "permission_denied")


async def test_a_name_is_taken_whatever_its_case(workspace: Workspace, services: Services) -> None:
    await workspace.team("Design")
    other = await workspace.team("Research")
    async with unchanged(services, workspace):
        made = await workspace.api.post("/teams", {"name": "DESIGN"})
        renamed = await workspace.api.patch(f"/teams/{other['id']}", {"name": "design"})
        for answer in (made, renamed):
            (error,) = refused(answer, 409, "already_exists")["errors"]
            assert error["pointer"] == "/name"
    ok(await workspace.api.patch(f"/teams/{other['id']}", {"name": "RESEARCH"}))


async def test_only_members_are_in_teams(workspace: Workspace, services: Services) -> None:
    team = await workspace.team("Design", "member")
    gone = workspace.membership_ids["member"]
    ok(await workspace.api.delete(f"/memberships/{gone}"))
    async with unchanged(services, workspace):
        for wrong in (gone, new_id(), team["id"]):
            body = {"name": "Research", "member_ids": [wrong]}
            refused(await workspace.api.post("/teams", body), 404, "not_found")
            path = f"/teams/{team['id']}"
            refused(await workspace.api.patch(path, {"member_ids": [wrong]}), 404, "not_found")
            refused(await workspace.api.request("PUT", f"{path}/members/{wrong}"), 404, "not_found")
            refused(await workspace.api.delete(f"{path}/members/{wrong}"), 404, "not_found")


async def test_joining_twice_is_joining_once(workspace: Workspace, services: Services) -> None:
    team = await workspace.team("Design")
    path = f"/teams/{team['id']}/members/{workspace.membership_ids['member']}"
    joined = ok(await workspace.api.request("PUT", path))
    assert joined["member_ids"] == [workspace.membership_ids["member"]]
    async with unchanged(services, workspace):
        assert ok(await workspace.api.request("PUT", path)) == joined
    left = ok(await workspace.api.delete(path))
    assert left["member_ids"] == []


async def test_conventions(workspace: Workspace, services: Services) -> None:
    team = await workspace.team("Design")
    path = f"/teams/{team['id']}"
    await workspace.team("Research")
    await check_not_modified(workspace.api, path)
    names = [one["name"] for one in await check_pages(workspace.api, "/teams", "/labels")]
    assert names == ["Design", "Research"]
    await check_preconditions(
        services,
        workspace,
        lambda **how: workspace.api.request("PATCH", path, json={"name": "A11y"}, **how),
        team,
    )

    async def create(**how: object) -> Answer:
        return await workspace.api.request("POST", "/teams", **{"json": {"name": "QA"}, **how})

    await check_dry_run(services, workspace, create)


async def test_replay(workspace: Workspace, services: Services) -> None:
    async def create(**how: object) -> Answer:
        return await workspace.api.request("POST", "/teams", **{"json": {"name": "QA"}, **how})

    await check_replay(services, workspace, create, {"name": "Research"})


async def test_a_team_that_goes_takes_its_grants_and_assignments_along(
    workspace: Workspace, services: Services
) -> None:
    team = await workspace.team("Design", "member")
    me = workspace.membership_ids["member"]
    task = await workspace.task(assignee_ids=[team["id"], me])
    grant = ok(await workspace.grant("lead", team_id=team["id"]), 201)
    assert [one["id"] for one in ok(await workspace.api.get(f"/tasks?assignee={team['id']}"))["items"]] == [
        task["id"]
    ]
    ok(await workspace.api.delete(f"/teams/{team['id']}"), 204)
    assert ok(await workspace.api.get(f"/tasks/{task['id']}"))["assignee_ids"] == [me]
    assert await stored(services, Grant, grant["id"]) is None
    event = await last_event(services, workspace)
    assert [(op["kind"], op["verb"]) for op in event["ops"]] == [
        ("team", "delete"),
        ("grant", "delete"),
        ("task", "update"),
    ]
    ok(await workspace.api.post(f"/events/{event['seq']}/undo"), 204)
    assert ok(await workspace.api.get(f"/tasks/{task['id']}"))["assignee_ids"] == [team["id"], me]
    assert ok(await workspace.api.get(f"/projects/FLUID/grants/{grant['id']}"))["team_id"] == team["id"]


async def test_a_team_reports_nothing(workspace: Workspace, services: Services) -> None:
    team = await workspace.team("Design")
    task = await workspace.task()
    async with unchanged(services, workspace):
        body = {"reporter_id": team["id"]}
        refused(await workspace.api.patch(f"/tasks/{task['id']}", body), 404, "not_found")


async def test_who_leaves_the_workspace_comes_back_with_nothing(
    workspace: Workspace, services: Services
) -> None:
    user = await make_user(services, "Laurel Williams")
    body = {"email": user.email, "role": "guest"}
    membership = ok(await workspace.api.post("/memberships", body), 201)["id"]
    ok(await workspace.grant("lead", membership_id=membership), 201)
    team = ok(await workspace.api.post("/teams", {"name": "Design", "member_ids": [membership]}), 201)
    ok(await workspace.api.delete(f"/memberships/{membership}"))
    removed = await last_event(services, workspace)
    assert ok(await workspace.api.get(f"/teams/{team['id']}"))["member_ids"] == []
    assert ok(await workspace.api.get("/projects/FLUID/grants"))["items"] == []
    assert ok(await workspace.api.post("/memberships", body), 201)["id"] == membership
    assert ok(await workspace.api.get("/projects/FLUID/grants"))["items"] == []
    ok(await workspace.api.delete(f"/memberships/{membership}"))
    again = await last_event(services, workspace)
    refused(await workspace.api.post(f"/events/{removed['seq']}/undo"), 409, "undo_conflict")
    ok(await workspace.api.post(f"/events/{again['seq']}/undo"), 204)
