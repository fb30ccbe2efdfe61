"""Showing a picture: to oneself and to the people of a workspace, to be kept but not run."""

import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.support.pictures import a_picture

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me/avatar"


@pytest.fixture
async def version(workspace: Workspace, services: Services) -> str:
    return (await services.avatars.put(workspace.users["member"].id, a_picture())).version


def of_member(workspace: Workspace) -> str:
    return f"/memberships/{workspace.membership_ids['member']}/avatar"


async def test_the_people_of_the_workspace_see_it(
    workspace: Workspace, other_workspace: Workspace, version: str
) -> None:
    own = await workspace.member.at("").get(PATH)
    for client in (workspace.api, workspace.admin, workspace.member):
        seen = await client.get(of_member(workspace))
        assert seen.status_code == 200
        assert (seen.content, seen.headers["etag"]) == (own.content, f'"{version}"')
        assert seen.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in seen.headers["content-security-policy"]
    refused(await workspace.stranger.get(of_member(workspace)), 404, "not_found")
    refused(await other_workspace.api.get(of_member(workspace)), 404, "not_found")
    refused(await workspace.api.as_(None).get(of_member(workspace)), 401, "authentication_required")


async def test_who_has_left_is_not_seen(workspace: Workspace, version: str) -> None:
    ok(await workspace.api.delete(of_member(workspace).removesuffix("/avatar")))
    refused(await workspace.api.get(of_member(workspace)), 404, "not_found")


async def test_nobody_and_nothing_to_see(workspace: Workspace) -> None:
    refused(await workspace.api.get(of_member(workspace)), 404, "not_found")
    placeholder = ok(await workspace.api.post("/memberships", {"display_name": "Yura"}), 201)
    refused(await workspace.api.get(f"/memberships/{placeholder['id']}/avatar"), 404, "not_found")


async def test_what_is_named_by_its_version_may_be_kept(workspace: Workspace, version: str) -> None:
    for client, path in ((workspace.member.at(""), PATH), (workspace.api, of_member(workspace))):
        kept = await client.get(path, params={"version": version})
        assert kept.headers["cache-control"] == "private, max-age=31536000, immutable"
        for params in ({}, {"version": "0" * 24}):
            assert (await client.get(path, params=params)).headers["cache-control"] == "private, no-cache"
        answer = await client.get(path, headers={"If-None-Match": f'"{version}"'})
        assert (answer.status_code, answer.content) == (304, b"")
