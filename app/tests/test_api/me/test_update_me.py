from typing import Any

import pytest

from app.models.memberships import Membership
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import stored, unchanged
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me"


async def test_changes_ones_profile(workspace: Workspace, services: Services) -> None:
    client = workspace.member.at("")
    before = ok(await client.get(PATH))
    answer = await client.patch(PATH, {"display_name": "  Anastasia "})
    changed = ok(answer, 200)
    assert changed == before | {"display_name": "Anastasia", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > before["updated_at"]
    assert ok(await client.get(PATH)) == changed
    assert (await client.get(PATH)).headers["etag"] == answer.headers["etag"]
    kept = await stored(services, User, workspace.users["member"].id)
    assert kept is not None
    assert kept["display_name"] == "Anastasia"


async def test_time_zone_and_language(workspace: Workspace, services: Services) -> None:
    client = workspace.member.at("")
    changed = ok(await client.patch(PATH, {"time_zone": "America/Toronto", "locale": "fr"}), 200)
    assert (changed["time_zone"], changed["locale"]) == ("America/Toronto", "fr")
    kept = await stored(services, User, workspace.users["member"].id)
    assert kept is not None
    assert (kept["time_zone"], kept["locale"]) == ("America/Toronto", "fr")
    assert ok(await client.patch(PATH, {"locale": None}), 200)["locale"] is None


async def test_nobody_elses(workspace: Workspace, services: Services) -> None:
    ok(await workspace.member.at("").patch(PATH, {"display_name": "Anastasia"}))
    for role in ("owner", "admin", "stranger"):
        kept = await stored(services, User, workspace.users[role].id)
        assert kept is not None
        assert kept["display_name"] == workspace.users[role].display_name


async def test_what_workspaces_call_one_is_theirs(workspace: Workspace, services: Services) -> None:
    ok(await workspace.member.at("").patch(PATH, {"display_name": "Anastasia"}))
    kept = await stored(services, Membership, workspace.membership_ids["member"])
    assert kept is not None
    assert kept["display_name"] == "Anastasia Cheetham"


@pytest.mark.parametrize(
    "body",
    [
        {"display_name": None},
        {"display_name": ""},
        {"display_name": " \u200b "},
        {"display_name": "a\nb"},
        {"display_name": "x" * 101},
        {"display_name": 5},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": None},
        {"locale": "de"},
        {"avatar_version": "x"},
        {"email": "other@fluid.example"},
        {"password": "correct horse battery staple 2"},
        {"password_hash": "x"},
        {"active": False},
        {"id": "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01"},
        {"created_at": "2026-11-23T09:30:00Z"},
    ],
    ids=str,
)
async def test_malformed(workspace: Workspace, services: Services, body: dict[str, Any]) -> None:
    async with unchanged(services, workspace):
        problem = refused(await workspace.member.at("").patch(PATH, body), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [f"/{name}" for name in body]


async def test_nothing_to_change(workspace: Workspace, services: Services) -> None:
    client = workspace.member.at("")
    before = ok(await client.get(PATH))
    async with unchanged(services, workspace):
        for body in ({}, {"display_name": before["display_name"]}):
            assert ok(await client.patch(PATH, body), 200) == before


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    client = workspace.member.at("")
    known = await client.get(PATH)
    etag = known.headers["etag"]
    async with unchanged(services, workspace):
        for stale in ('"1"', f"W/{etag}"):
            answer = await client.patch(PATH, {"display_name": "A"}, headers={"If-Match": stale})
            assert refused(answer, 412, "precondition_failed")["current"] == known.json()
        for malformed in ("x", etag[:-1], ""):
            answer = await client.patch(PATH, {"display_name": "A"}, headers={"If-Match": malformed})
            refused(answer, 422, "invalid_precondition")
    ok(await client.patch(PATH, {"display_name": "A"}, headers={"If-Match": f'"1", {etag}'}), 200)
    ok(await client.patch(PATH, {"display_name": "B"}, headers={"If-Match": "*"}), 200)
    refused(
        await client.patch(PATH, {"display_name": "C"}, headers={"If-Match": etag}),
        412,
        "precondition_failed",
    )


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.patch(PATH, {"display_name": "A"}), 401, "authentication_required")
