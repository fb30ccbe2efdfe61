from typing import Any

import pytest

from app.models.labels import Label
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    STRANGERS,
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


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_everybody_in_the_workspace_changes(
    workspace: Workspace, services: Services, role: str
) -> None:
    label = await workspace.label()
    answer = await client_of(workspace, role).patch(f"/labels/{label['id']}", {"name": "A11y"})
    changed = ok(answer, 200)
    assert changed == {**label, **{name: changed[name] for name in ("version", "updated_at")}, "name": "A11y"}
    assert changed["version"] > label["version"]
    assert answer.headers["etag"] == f'"{changed["version"]}"'
    assert ok(await workspace.api.get(f"/labels/{label['id']}")) == changed
    kept = await stored(services, Label, label["id"])
    assert kept is not None
    assert (kept["name"], kept["folded"], kept["version"]) == ("A11y", "a11y", changed["version"])
    (op,) = (await last_event(services, workspace))["ops"]
    assert op["before"]["name"] == "Accessibility"
    assert op["set"]["name"] == "A11y"


async def test_strangers_do_not(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()

    async def send(client: Client) -> Answer:
        return await client.patch(f"/labels/{label['id']}", {"name": "A11y"})

    await check_denied(services, workspace, send, STRANGERS)


@pytest.mark.parametrize("body", [{}, {"name": "Accessibility"}, {"color": "#8a8f98"}], ids=str)
async def test_no_change_leaves_no_trace(workspace: Workspace, services: Services, body: Any) -> None:
    label = await workspace.label()
    async with unchanged(services, workspace):
        assert ok(await workspace.api.patch(f"/labels/{label['id']}", body), 200) == label


async def test_names_stay_unique_whatever_their_case(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()
    await workspace.label("Keyboard")
    async with unchanged(services, workspace):
        for name in ("Keyboard", "KEYBOARD"):
            answer = await workspace.api.patch(f"/labels/{label['id']}", {"name": name})
            refused(answer, 409, "already_exists")
    ok(await workspace.api.patch(f"/labels/{label['id']}", {"name": "ACCESSIBILITY"}), 200)


@pytest.mark.parametrize("field", ["name", "color", "description"])
async def test_nothing_of_a_label_is_null(workspace: Workspace, services: Services, field: str) -> None:
    label = await workspace.label()
    async with unchanged(services, workspace):
        answer = await workspace.api.patch(f"/labels/{label['id']}", {field: None})
        problem = refused(answer, 422, "validation_failed")
    assert problem["errors"][0]["pointer"] == f"/{field}"


async def test_absent_and_foreign(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    foreign = await other_workspace.label()
    async with unchanged(services, workspace, other_workspace):
        for id_ in (new_id(), foreign["id"]):
            refused(await workspace.api.patch(f"/labels/{id_}", {"name": "Mine"}), 404, "not_found")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()

    async def send(**options: Any) -> Answer:
        return await workspace.api.patch(f"/labels/{label['id']}", {"name": "A11y"}, **options)

    await check_preconditions(services, workspace, send, label)
    assert ok(await workspace.api.get(f"/labels/{label['id']}"))["name"] == "A11y"
    ok(await send(headers={"If-Match": "*"}), 200)


async def test_others_fields_stay(workspace: Workspace) -> None:
    label = await workspace.label()
    ok(await workspace.api.patch(f"/labels/{label['id']}", {"color": "#000000"}))
    changed = ok(await workspace.member.patch(f"/labels/{label['id']}", {"description": "New."}))
    assert (changed["color"], changed["description"]) == ("#000000", "New.")


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()

    async def send(json: Any = None, **options: Any) -> Answer:
        return await workspace.api.patch(f"/labels/{label['id']}", json or {"name": "A11y"}, **options)

    await check_replay(services, workspace, send, {"name": "Another"})


async def test_the_first_answer_is_given_again_after_other_changes(workspace: Workspace) -> None:
    label = await workspace.label()
    path, headers = f"/labels/{label['id']}", {"Idempotency-Key": "rename"}
    first = ok(await workspace.api.patch(path, {"name": "A11y"}, headers=headers))
    ok(await workspace.api.patch(path, {"name": "Later"}))
    assert ok(await workspace.api.patch(path, {"name": "A11y"}, headers=headers)) == first
    assert ok(await workspace.api.get(path))["name"] == "Later"


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()

    async def send(**options: Any) -> Answer:
        return await workspace.api.patch(f"/labels/{label['id']}", {"name": "A11y"}, **options)

    assert (await check_dry_run(services, workspace, send))["name"] == "A11y"
