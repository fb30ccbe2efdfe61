from typing import Any

import pytest

from app.models.labels import Label
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_preconditions,
    client_of,
    last_event,
    stored,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_admins_delete(workspace: Workspace, services: Services, role: str) -> None:
    label = await workspace.label()
    kept = await workspace.label("Keyboard")
    answer = await client_of(workspace, role).delete(f"/labels/{label['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await stored(services, Label, label["id"]) is None
    refused(await workspace.api.get(f"/labels/{label['id']}"), 404, "not_found")
    assert ok(await workspace.api.get("/labels"))["items"] == [kept]
    (op,) = (await last_event(services, workspace))["ops"]
    assert (op["verb"], op["before"]["name"]) == ("delete", label["name"])


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()

    async def send(client: Client) -> Answer:
        return await client.delete(f"/labels/{label['id']}")

    await check_denied(services, workspace, send)


async def test_its_tasks_let_go_of_it_in_the_same_command(workspace: Workspace, services: Services) -> None:
    gone, kept = await workspace.label(), await workspace.label("Keyboard")
    both = await workspace.task(label_ids=[gone["id"], kept["id"]])
    one = await workspace.task(label_ids=[gone["id"]])
    none = await workspace.task(label_ids=[kept["id"]])
    ok(await workspace.api.delete(f"/tasks/{one['id']}"))
    ok(await workspace.api.delete(f"/labels/{gone['id']}"), 204)
    event = await last_event(services, workspace)
    assert {op["id"] for op in event["ops"]} == {gone["id"], both["id"], one["id"]}
    left = {
        task["id"]: ok(await workspace.api.get(f"/tasks/{task['id']}"))["label_ids"]
        for task in (both, one, none)
    }
    assert left == {both["id"]: [kept["id"]], one["id"]: [], none["id"]: [kept["id"]]}


async def test_absent_foreign_and_gone(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    label, foreign = await workspace.label(), await other_workspace.label()
    ok(await workspace.api.delete(f"/labels/{label['id']}"), 204)
    async with unchanged(services, workspace, other_workspace):
        for id_ in (new_id(), foreign["id"], label["id"]):
            refused(await workspace.api.delete(f"/labels/{id_}"), 404, "not_found")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()

    async def send(**options: Any) -> Answer:
        return await workspace.api.delete(f"/labels/{label['id']}", **options)

    await check_preconditions(services, workspace, send, label)
    assert await stored(services, Label, label["id"]) is None


async def test_sent_again_it_answers_the_same(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()
    headers = {"Idempotency-Key": "delete-once"}
    ok(await workspace.api.delete(f"/labels/{label['id']}", headers=headers), 204)
    async with unchanged(services, workspace):
        again = await workspace.api.delete(f"/labels/{label['id']}", headers=headers)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (204, "true")


async def test_the_name_is_free_again(workspace: Workspace) -> None:
    label = await workspace.label()
    ok(await workspace.api.delete(f"/labels/{label['id']}"), 204)
    assert (await workspace.label())["id"] != label["id"]


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    label = await workspace.label()
    await workspace.task(label_ids=[label["id"]])

    async def send(**options: Any) -> Answer:
        return await workspace.api.delete(f"/labels/{label['id']}", **options)

    await check_dry_run(services, workspace, send)
    assert await stored(services, Label, label["id"]) is None
