from typing import Any

import pytest

from app.models.workspaces import Workspace as WorkspaceModel
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_preconditions,
    check_replay,
    client_of,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


def by_id(workspace: Workspace, client: Client) -> Client:
    return client.at(f"/api/v1/workspaces/{workspace.id}")


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_admins_change(workspace: Workspace, services: Services, role: str) -> None:
    before = ok(await workspace.api.get(""))
    changed = ok(await client_of(workspace, role).patch("", {"description": "New\r\nlines."}), 200)
    stamps = {name: changed[name] for name in ("version", "updated_at")}
    assert changed == before | stamps | {"description": "New\nlines."}
    assert changed["version"] == (await last_event(services, workspace))["seq"] > before["version"]
    assert ok(await workspace.member.get("")) == changed
    kept = await stored(services, WorkspaceModel, workspace.id)
    assert kept is not None
    assert kept["description"] == "New\nlines."


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.patch("", {"name": "Mine"})

    await check_denied(services, workspace, send)


@pytest.mark.usefixtures("long_memory")
async def test_a_new_slug_works_at_once_and_frees_the_old_one(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    api = by_id(workspace, workspace.api)
    ok(await workspace.api.get(""))
    slug = f"renamed-{new_id()[-12:]}"
    assert ok(await api.patch("", {"slug": slug}), 200)["slug"] == slug
    assert ok(await api.at("/api/v1/workspaces").get(f"/{slug}"))["id"] == workspace.id
    refused(await workspace.api.get(""), 404, "not_found")
    other = by_id(other_workspace, other_workspace.api)
    ok(await other.patch("", {"slug": workspace.slug}), 200)
    refused(await workspace.api.get(""), 404, "not_found")


async def test_a_slug_is_used_once(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    async with unchanged(services, workspace, other_workspace):
        answer = await workspace.api.patch("", {"slug": other_workspace.slug})
        problem = refused(answer, 409, "already_exists")
        assert problem["detail"] == "A workspace with this short name already exists."
        assert ok(await workspace.api.patch("", {"slug": workspace.slug}), 200)["slug"] == workspace.slug


@pytest.mark.parametrize(
    "body",
    [
        {"slug": None},
        {"name": None},
        {"description": None},
        {"slug": "A"},
        {"slug": "under_score"},
        {"name": "\t"},
        {"id": "x"},
        {"workspace_id": "x"},
        {"version": 1},
        {"$set": {"name": "x"}},
    ],
    ids=str,
)
async def test_malformed(workspace: Workspace, services: Services, body: dict[str, Any]) -> None:
    async with unchanged(services, workspace):
        problem = refused(await workspace.api.patch("", body), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [f"/{name}" for name in body]


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.patch("", {"name": "Fluid"}, **options)

    # Its first version is the founding, number one of the log.
    ok(await workspace.api.patch("", {"name": "Before"}))
    await check_preconditions(services, workspace, send, ok(await workspace.api.get("")))
    assert ok(await workspace.api.get(""))["name"] == "Fluid"


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    slug = f"again-{new_id()[-12:]}"
    api = by_id(workspace, workspace.api)

    async def send(json: Any = None, **options: Any) -> Answer:
        return await api.patch("", json or {"slug": slug}, **options)

    assert (await check_replay(services, workspace, send, {"slug": "other"}))["slug"] == slug


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    slug = f"trial-{new_id()[-12:]}"
    api = by_id(workspace, workspace.api)

    async def send(**options: Any) -> Answer:
        return await api.patch("", {"slug": slug}, **options)

    assert (await check_dry_run(services, workspace, send))["slug"] == slug
