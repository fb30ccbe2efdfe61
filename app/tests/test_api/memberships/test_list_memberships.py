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
PATH = "/memberships"


async def test_by_name(workspace: Workspace) -> None:
    ok(await workspace.api.post(PATH, {"display_name": "Bo"}), 201)
    items = await check_pages(workspace.api, PATH, "/labels")
    assert [one["display_name"] for one in items] == [
        "Anastasia Cheetham",
        "Bo",
        "Colin Clark",
        "Justin Obara",
    ]


async def test_people_of_one_name_are_all_there(workspace: Workspace) -> None:
    made = [ok(await workspace.api.post(PATH, {"display_name": "Bo"}), 201)["id"] for _ in range(4)]
    items = await check_pages(workspace.api, PATH, "/labels")
    assert [one["id"] for one in items if one["display_name"] == "Bo"] == sorted(made)


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_everybody_in_the_workspace_reads(workspace: Workspace, role: str) -> None:
    items = ok(await client_of(workspace, role).get(PATH))["items"]
    assert {one["id"] for one in items} == set(workspace.membership_ids.values())
    assert all("email" not in one for one in items)


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.get(PATH)

    await check_denied(services, workspace, send, STRANGERS)


async def test_those_who_left_are_a_list_of_their_own(workspace: Workspace) -> None:
    gone = [workspace.membership_ids["member"], workspace.membership_ids["admin"]]
    for id_ in gone:
        ok(await workspace.api.delete(f"{PATH}/{id_}"))
    left = ok(await workspace.api.get(PATH))["items"]
    assert [one["id"] for one in left] == [workspace.membership_ids["owner"]]
    removed = await check_pages(workspace.api, PATH, PATH, removed="true")
    assert [one["id"] for one in removed] == gone
    assert all(one["removed_at"] is not None for one in removed)


async def test_not_modified(workspace: Workspace) -> None:
    await check_not_modified(workspace.api, PATH)


async def test_bad_filters(workspace: Workspace) -> None:
    for params in ({"removed": "maybe"}, {"removed": ""}, {"limit": "0"}):
        refused(await workspace.api.get(PATH, params=params), 422, "validation_failed")
    refused(await workspace.api.get(PATH, params={"role": "owner"}), 422, "unknown_parameter")
    refused(await workspace.api.get(f"{PATH}?removed=true&removed=false"), 422, "repeated_parameter")
