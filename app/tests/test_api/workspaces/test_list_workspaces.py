import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import check_not_modified, check_pages, client_of
from app.tests.support.factories import Workspace, log_in, make_user
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/api/v1/workspaces"


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_those_that_one_is_in(workspace: Workspace, other_workspace: Workspace, role: str) -> None:
    page = ok(await client_of(workspace, role).at("").get(PATH))
    shown = ok(await workspace.api.get(""))
    assert page == {"items": [shown], "next_cursor": None}


async def test_strangers_see_none(workspace: Workspace) -> None:
    assert ok(await workspace.stranger.at("").get(PATH))["items"] == []


async def test_by_name(services: Services, anonymous: Client) -> None:
    client = anonymous.as_(await log_in(services, await make_user(services)))
    for name in ("Infusion", "Decapod", "Engage"):
        ok(await client.post(PATH, {"slug": f"w-{new_id()}", "name": name}), 201)
    items = ok(await client.get(PATH))["items"]
    assert [one["name"] for one in items] == ["Decapod", "Engage", "Infusion"]


async def test_pages(services: Services, anonymous: Client) -> None:
    """By name, and by id where names are the same."""
    client = anonymous.as_(await log_in(services, await make_user(services)))
    for name in ("Infusion", "Decapod", "Decapod"):
        ok(await client.post(PATH, {"slug": f"w-{new_id()}", "name": name}), 201)
    base = f"{PATH}/{ok(await client.get(PATH))['items'][0]['slug']}"
    items = await check_pages(client, PATH, f"{base}/memberships")
    assert [one["name"] for one in items] == ["Decapod", "Decapod", "Infusion"]


async def test_a_cursor_is_one_s_own(services: Services, anonymous: Client) -> None:
    one, other = [anonymous.as_(await log_in(services, await make_user(services))) for _ in range(2)]
    for name in ("Infusion", "Decapod"):
        ok(await one.post(PATH, {"slug": f"w-{new_id()}", "name": name}), 201)
    cursor = ok(await one.get(PATH, params={"limit": 1}))["next_cursor"]
    refused(await other.get(PATH, params={"cursor": cursor}), 422, "invalid_cursor")


async def test_a_removed_member_no_longer_sees_it(workspace: Workspace) -> None:
    ok(await workspace.api.delete(f"/memberships/{workspace.membership_ids['member']}"))
    assert ok(await workspace.member.at("").get(PATH))["items"] == []
    assert len(ok(await workspace.admin.at("").get(PATH))["items"]) == 1


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api.at(""), PATH)


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.get(PATH), 401, "authentication_required")
