from typing import Any

import pytest

from app.models.labels import Label
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    STRANGERS,
    check_denied,
    check_dry_run,
    check_replay,
    client_of,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

BODY = {"name": "Accessibility", "color": "#1f77b4", "description": "Works for **everybody**."}


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_everybody_in_the_workspace_creates(
    workspace: Workspace, services: Services, role: str
) -> None:
    client = client_of(workspace, role)
    answer = await client.post("/labels", BODY)
    label = ok(answer, 201)
    assert {name: label[name] for name in BODY} == BODY
    assert label["workspace_id"] == workspace.id
    assert answer.headers["location"] == f"{client.base}/labels/{label['id']}"
    assert answer.headers["etag"] == f'"{label["version"]}"'
    assert ok(await workspace.api.get(f"/labels/{label['id']}")) == label
    kept = await stored(services, Label, label["id"])
    assert kept is not None
    assert (kept["workspace_id"], kept["name"], kept["folded"]) == (
        workspace.id,
        BODY["name"],
        "accessibility",
    )
    event = await last_event(services, workspace)
    assert (event["seq"], event["command"]) == (label["version"], "label.create")
    assert event["actor"]["membership_id"] == workspace.membership_ids[role]


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.post("/labels", BODY)

    await check_denied(services, workspace, send, STRANGERS)


async def test_a_name_suffices(workspace: Workspace) -> None:
    label = ok(await workspace.api.post("/labels", {"name": "  Keyboard \t"}), 201)
    assert (label["name"], label["color"], label["description"]) == ("Keyboard", "#8a8f98", "")


async def test_an_id_of_the_clients_own_works_once(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    id_ = new_id()
    assert ok(await workspace.api.post("/labels", {"id": id_, "name": "One"}), 201)["id"] == id_
    async with unchanged(services, workspace, other_workspace):
        refused(await workspace.api.post("/labels", {"id": id_, "name": "Two"}), 409, "already_exists")
        refused(await other_workspace.api.post("/labels", {"id": id_, "name": "Two"}), 409, "already_exists")


async def test_names_are_unique_whatever_their_case(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    await workspace.label("Straße")
    async with unchanged(services, workspace):
        for same in ("Straße", "STRASSE", " strasse "):
            refused(await workspace.api.post("/labels", {"name": same}), 409, "already_exists")
    await workspace.label("Strase")
    await other_workspace.label("Straße")


@pytest.mark.parametrize(
    "color", ["red", "#1F77B4", "#1f77b", "#1f77b4a", "1f77b4", "#1f77b4\n", "", None, 5]
)
async def test_a_color_is_six_small_hex_digits(
    workspace: Workspace, services: Services, color: object
) -> None:
    async with unchanged(services, workspace):
        answer = await workspace.api.post("/labels", {"name": "Odd", "color": color})
        problem = refused(answer, 422, "validation_failed")
    assert problem["errors"][0]["pointer"] == "/color"


async def test_bounds_of_the_texts(workspace: Workspace, services: Services) -> None:
    longest = {"name": "é" * 100, "description": "é" * 100_000}
    assert ok(await workspace.api.post("/labels", longest), 201)["name"] == longest["name"]
    async with unchanged(services, workspace):
        for name, length in (("name", 101), ("description", 100_001)):
            body = {"name": "n", name: "é" * length}
            problem = refused(await workspace.api.post("/labels", body), 422, "validation_failed")
            assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(f"/{name}", "too_long")]


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    async def send(json: Any = BODY, **options: Any) -> Answer:
        return await workspace.api.post("/labels", json, **options)

    label = await check_replay(services, workspace, send, {"name": "Another"})
    assert [one["id"] for one in ok(await workspace.api.get("/labels"))["items"]] == [label["id"]]


async def test_a_key_belongs_to_whoever_used_it(workspace: Workspace) -> None:
    headers = {"Idempotency-Key": "shared"}
    mine = ok(await workspace.api.post("/labels", {"name": "One"}, headers=headers), 201)
    theirs = ok(await workspace.member.post("/labels", {"name": "Two"}, headers=headers), 201)
    assert mine["id"] != theirs["id"]


async def test_a_refusal_does_not_use_up_the_key(workspace: Workspace) -> None:
    headers = {"Idempotency-Key": "refused-first"}
    await workspace.label("Taken")
    refused(await workspace.api.post("/labels", {"name": "taken"}, headers=headers), 409, "already_exists")
    ok(await workspace.api.post("/labels", {"name": "Free"}, headers=headers), 201)


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post("/labels", BODY, **options)

    await check_dry_run(services, workspace, send)
    async with unchanged(services, workspace):
        refused(await send(params={"dry_run": "true"}), 409, "already_exists")
