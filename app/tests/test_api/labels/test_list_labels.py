import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    STRANGERS,
    check_denied,
    check_not_modified,
    check_pages,
    client_of,
)
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio


async def test_by_name_whatever_the_case(workspace: Workspace) -> None:
    for name in ("banana", "Cherry", "apple", "Äpfel"):
        await workspace.label(name)
    items = await check_pages(workspace.api, "/labels", "/memberships")
    assert [one["name"] for one in items] == ["apple", "banana", "Cherry", "Äpfel"]
    assert all("folded" not in one for one in items)


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_everybody_in_the_workspace_reads(workspace: Workspace, role: str) -> None:
    label = await workspace.label()
    page = ok(await client_of(workspace, role).get("/labels"))
    assert page == {"items": [label], "next_cursor": None}


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.get("/labels")

    await check_denied(services, workspace, send, STRANGERS)


async def test_of_this_workspace_only(workspace: Workspace, other_workspace: Workspace) -> None:
    await other_workspace.label()
    assert ok(await workspace.api.get("/labels")) == {"items": [], "next_cursor": None}


async def test_another_workspaces_cursor_is_refused(workspace: Workspace, other_workspace: Workspace) -> None:
    for one in (workspace, other_workspace):
        await one.label("First")
        await one.label("Second")
    cursor = ok(await workspace.api.get("/labels", params={"limit": 1}))["next_cursor"]
    refused(await other_workspace.api.get("/labels", params={"cursor": cursor}), 422, "invalid_cursor")


async def test_a_page_goes_on_where_the_last_one_ended(workspace: Workspace) -> None:
    labels = {name: await workspace.label(name) for name in ("a", "c", "e")}
    first = ok(await workspace.api.get("/labels", params={"limit": 2}))
    ok(await workspace.api.delete(f"/labels/{labels['c']['id']}"), 204)
    await workspace.label("b")
    await workspace.label("d")
    rest = ok(await workspace.api.get("/labels", params={"limit": 2, "cursor": first["next_cursor"]}))
    assert [one["name"] for one in rest["items"]] == ["d", "e"]


async def test_the_total_only_if_asked_for(workspace: Workspace) -> None:
    await workspace.label()
    assert "total" not in ok(await workspace.api.get("/labels", params={"count": "false"}))
    assert ok(await workspace.api.get("/labels", params={"count": "true"}))["total"] == 1


async def test_not_modified(workspace: Workspace) -> None:
    label = await workspace.label()
    await check_not_modified(workspace.api, "/labels")
    etag = (await workspace.api.get("/labels")).headers["etag"]
    ok(await workspace.api.patch(f"/labels/{label['id']}", {"color": "#000000"}))
    ok(await workspace.api.get("/labels", headers={"If-None-Match": etag}), 200)


async def test_the_largest_page_has_two_hundred(workspace: Workspace) -> None:
    ok(await workspace.api.get("/labels", params={"limit": 200}))
    for limit in ("0", "-1", "201", "1000000000", "99999999999999999999", "ten", "1.5", ""):
        refused(await workspace.api.get("/labels", params={"limit": limit}), 422, "validation_failed")
