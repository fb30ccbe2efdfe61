from typing import Any

import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import (
    check_denied,
    check_dry_run,
    check_preconditions,
    check_replay,
    client_of,
    last_event,
    unchanged,
)
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/projects/FLUID/statuses"


def move(workspace: Workspace, name: str) -> str:
    return f"{PATH}/{workspace.statuses[name]}/move"


async def board(workspace: Workspace) -> list[str]:
    return [one["name"] for one in ok(await workspace.api.get(PATH))["items"]]


@pytest.mark.parametrize("role", ["owner", "admin"])
@pytest.mark.parametrize(
    ("name", "after", "order"),
    [
        ("Done", None, ["Done", "Backlog", "Todo", "In Progress", "Canceled"]),
        ("Backlog", "Canceled", ["Todo", "In Progress", "Done", "Canceled", "Backlog"]),
        ("Todo", "Done", ["Backlog", "In Progress", "Done", "Todo", "Canceled"]),
        ("Canceled", "Backlog", ["Backlog", "Canceled", "Todo", "In Progress", "Done"]),
    ],
)
async def test_admins_move(
    workspace: Workspace, services: Services, role: str, name: str, after: str | None, order: list[str]
) -> None:
    after_id = None if after is None else workspace.statuses[after]
    moved = ok(await client_of(workspace, role).post(move(workspace, name), {"after_id": after_id}), 200)
    assert await board(workspace) == order
    assert ok(await workspace.member.get(f"{PATH}/{moved['id']}")) == moved
    event = await last_event(services, workspace)
    assert (event["command"], event["seq"]) == ("status.move", moved["version"])
    assert [op["id"] for op in event["ops"]] == [moved["id"]], "the others stay untouched"


async def test_members_and_strangers_do_not(workspace: Workspace, services: Services) -> None:
    async def send(client: Client) -> Answer:
        return await client.post(move(workspace, "Done"), {"after_id": None})

    await check_denied(services, workspace, send)


async def test_many_moves_keep_the_order(workspace: Workspace) -> None:
    for _ in range(12):
        last = (await board(workspace))[-1]
        ok(await workspace.api.post(move(workspace, last), {"after_id": None}))
        first, second = (await board(workspace))[:2]
        assert first == last
        ok(await workspace.api.post(move(workspace, first), {"after_id": workspace.statuses[second]}))
        assert (await board(workspace))[:2] == [second, first]
    assert len(set(await board(workspace))) == 5


async def test_behind_itself_or_nothing_of_this_board(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    elsewhere = ok(await workspace.api.get("/projects/INFRA/statuses"))["items"][0]["id"]
    foreign = other_workspace.statuses["Todo"]
    async with unchanged(services, workspace, other_workspace):
        for after in (workspace.statuses["Done"], elsewhere, foreign, new_id()):
            answer = await workspace.api.post(move(workspace, "Done"), {"after_id": after})
            refused(answer, 404, "not_found")


async def test_absent_foreign_and_of_another_project(
    workspace: Workspace, other_workspace: Workspace, services: Services
) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infra"}), 201)
    paths = [
        f"{PATH}/{new_id()}",
        f"{PATH}/{other_workspace.statuses['Done']}",
        f"/projects/INFRA/statuses/{workspace.statuses['Done']}",
    ]
    async with unchanged(services, workspace, other_workspace):
        for path in paths:
            refused(await workspace.api.post(f"{path}/move", {"after_id": None}), 404, "not_found")


@pytest.mark.parametrize(
    "body", [{}, {"after_id": ""}, {"after_id": "Done"}, {"after_id": 1}, {"rank": "a0"}], ids=str
)
async def test_malformed(workspace: Workspace, services: Services, body: dict[str, Any]) -> None:
    async with unchanged(services, workspace):
        refused(await workspace.api.post(move(workspace, "Done"), body), 422, "validation_failed")


async def test_preconditions(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post(move(workspace, "Done"), {"after_id": None}, **options)

    current = ok(await workspace.api.get(f"{PATH}/{workspace.statuses['Done']}"))
    await check_preconditions(services, workspace, send, current)


async def test_sent_again_it_is_not_done_again(workspace: Workspace, services: Services) -> None:
    async def send(json: Any = None, **options: Any) -> Answer:
        return await workspace.api.post(move(workspace, "Done"), json or {"after_id": None}, **options)

    await check_replay(services, workspace, send, {"after_id": workspace.statuses["Todo"]})


async def test_dry_run(workspace: Workspace, services: Services) -> None:
    async def send(**options: Any) -> Answer:
        return await workspace.api.post(move(workspace, "Done"), {"after_id": None}, **options)

    await check_dry_run(services, workspace, send)
    assert (await board(workspace))[0] == "Done"
