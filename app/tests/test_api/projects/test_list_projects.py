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


async def test_by_name(workspace: Workspace) -> None:
    for key, name in (("ZZ", "Engage"), ("YY", "Decapod"), ("XX", "Engage")):
        ok(await workspace.api.post("/projects", {"key": key, "name": name}), 201)
    items = await check_pages(workspace.api, "/projects", "/memberships")
    assert [(one["name"], one["key"]) for one in items] == [
        ("Decapod", "YY"),
        ("Engage", "ZZ"),
        ("Engage", "XX"),
        ("Fluid Infusion", "FLUID"),
    ]


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_everybody_in_the_workspace_reads(workspace: Workspace, role: str) -> None:
    page = ok(await client_of(workspace, role).get("/projects"))
    assert page == {"items": [workspace.project], "next_cursor": None}
    assert not {"last_task_number", "last_rank"} & set(page["items"][0])


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.get("/projects")

    await check_denied(services, workspace, send, STRANGERS)


async def test_of_this_workspace_only(workspace: Workspace, other_workspace: Workspace) -> None:
    assert ok(await workspace.api.get("/projects"))["items"] == [workspace.project]
    assert ok(await other_workspace.api.get("/projects"))["items"] == [other_workspace.project]


async def test_the_archived_are_a_list_of_their_own(workspace: Workspace) -> None:
    for key in ("AA", "BB", "CC"):
        ok(await workspace.api.post("/projects", {"key": key, "name": key}), 201)
        ok(await workspace.api.post(f"/projects/{key}/archive"))
    assert ok(await workspace.api.get("/projects"))["items"] == [workspace.project]
    archived = await check_pages(workspace.api, "/projects", "/projects", archived="true")
    assert [one["key"] for one in archived] == ["AA", "BB", "CC"]


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api, "/projects")


async def test_bad_filters(workspace: Workspace) -> None:
    for params in ({"archived": "both"}, {"archived": ""}, {"limit": "-1"}):
        refused(await workspace.api.get("/projects", params=params), 422, "validation_failed")
    refused(await workspace.api.get("/projects", params={"sort": "name"}), 422, "unknown_parameter")
