"""The client against the real application, live: what it holds is what the server shows."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pastis_client import Client, FileStore, LoginEndedError, NotFoundError, Workspace
from pastis_client import commands as do
from pastis_client.replica import Frame, Replica, Snapshot
from pastis_client.transport import Request

from app.tests.support.clients import ok
from app.tests.support.factories import PASSWORD
from app.tests.support.factories import Workspace as Place
from app.tests.test_clients.conftest import Losing, Network, member
from app.tests.test_clients.test_package import blocks

pytestmark = pytest.mark.anyio


async def within(awaited: Any) -> Any:
    async with asyncio.timeout(20):
        return await awaited


async def shown(client: Client, live: Workspace) -> Replica:
    """What the server shows to this client now: a snapshot, and what came since."""
    request = Request("GET", f"{live.calls.path}/sync/snapshot")
    snapshot = Snapshot()
    for line in (await client._api.call(request)).content.split(b"\n"):
        if line:
            snapshot.add(line)
    replica = snapshot.finish()
    while replica.number < live.number:
        request = Request("GET", f"{live.calls.path}/sync", params={"since": replica.cursor})
        replica.apply(Frame.parse((await client._api.call(request)).content))
    return replica


async def hold_same(client: Client, live: Workspace) -> None:
    """The replica is what a fresh snapshot is."""
    await within(live.settled())
    fresh = await shown(client, live)
    await within(live.reached(fresh.number))
    assert live.number == fresh.number
    assert live._local.view.replica.differences(fresh) == set()


@pytest.fixture
async def people(url: str, workspace: Place) -> AsyncIterator[dict[str, tuple[Client, Network]]]:
    """The owner, the admin and the member, each over a network of their own."""
    async with AsyncExitStack() as stack:
        found = {}
        for role in ("owner", "admin", "member"):
            network = Network()
            client = await stack.enter_async_context(member(url, workspace, role, network))
            found[role] = (client, network)
        yield found


async def test_what_one_does_the_others_see(
    people: dict[str, tuple[Client, Network]], workspace: Place
) -> None:
    owner, admin = people["owner"][0], people["admin"][0]
    async with owner.workspace(workspace.slug) as mine, admin.workspace(workspace.slug) as other:
        urgent = other.query("task", where=lambda task: task["priority"] == "urgent")
        seen: list[list[str]] = []

        async def follow() -> None:
            async for tasks in urgent:
                seen.append([task["title"] for task in tasks])
                if seen[-1] == ["Focus"]:
                    return

        following = asyncio.create_task(follow())
        pending = await mine.do(do.create_task(workspace.project["id"], "Focus is lost", priority="urgent"))
        task = await pending
        await mine.do(do.update_task(task["id"], title="Focus"))
        await within(following)
        await hold_same(owner, mine)
        await hold_same(admin, other)
        assert mine.get("task", task["id"]) == await mine.calls.task(task["id"])
    assert seen[0] == []
    assert seen[-1] == ["Focus"]


def losing_changes(chance: random.Random) -> Losing:
    """Loses half of what is no read."""
    fates = [None, None, "request", "answer", "503"]
    return lambda request: None if request.method == "GET" else chance.choice(fates)


async def test_many_change_much_over_networks_that_lose_much(
    people: dict[str, tuple[Client, Network]], workspace: Place
) -> None:
    chance = random.Random(5)
    async with AsyncExitStack() as stack:
        lives = []
        for client, network in people.values():
            lives.append(await stack.enter_async_context(client.workspace(workspace.slug)))
            network.losing = losing_changes(chance)
        first = await (await lives[0].do(do.create_task(workspace.project["id"], "Shared")))
        for number in range(10):
            for live in lives:
                await live.do(do.create_task(workspace.project["id"], f"Task {number}"))
                await live.do(do.update_task(first["id"], title=f"Shared {number}"))
        for (client, network), live in zip(people.values(), lives, strict=True):
            await within(live.settled())
            network.losing = lambda _: None
            await hold_same(client, live)
        created = [event async for event in lives[0].calls.events() if event["command"] == "task.create"]
        assert len(created) == 31


async def test_offline_changes_are_there_after_a_restart(url: str, workspace: Place, tmp_path: Path) -> None:
    network = Network()
    command = do.create_task(workspace.project["id"], "Made offline")
    async with Client(url, store=FileStore(tmp_path), transport=network, patience=0.01) as client:
        await client.login(workspace.users["owner"].email, PASSWORD)
        async with client.workspace(workspace.slug) as live:
            network.losing = lambda _: "request"
            await live.do(command)
            assert len(live.query("task").result) == 1
    async with Client(url, store=FileStore(tmp_path)) as client, client.workspace(workspace.slug) as live:
        await hold_same(client, live)
        task = live.get("task", command.effects[0].id)
        assert task is not None
        assert task["key"] == "FLUID-1"


async def test_who_loses_a_project_holds_nothing_of_it_and_who_is_put_out_is_told(
    people: dict[str, tuple[Client, Network]], workspace: Place
) -> None:
    owner, person = people["owner"][0], people["member"][0]
    async with owner.workspace(workspace.slug) as mine, person.workspace(workspace.slug) as other:
        task = await (await mine.do(do.create_task(workspace.project["id"], "Focus is lost")))
        await (await mine.do(do.create_comment(task["id"], "Fixed in r10241.")))
        await hold_same(owner, mine)
        await within(other.reached(mine.number))
        assert len(other.query("comment").result) == 1
        await (await mine.do(do.update_project(workspace.project["id"], visibility="private")))
        await within(other._local.until(lambda: not other.query("task").result))
        await hold_same(person, other)
        assert other.query("comment").result == []
        await (await mine.do(do.update_project(workspace.project["id"], visibility="workspace")))
        await within(other._local.until(lambda: bool(other.query("comment").result)))
        await hold_same(person, other)
        await (await mine.do(do.remove_member(workspace.membership_ids["member"])))
        with pytest.raises(NotFoundError):
            await within(other.reached(10**6))


async def test_only_some_fields_of_one_project(url: str, workspace: Place) -> None:
    async with member(url, workspace, "owner", Network()) as client:
        await client.workspace(workspace.slug).calls.send(do.create_task("FLUID", "Focus is lost"))
        await client.workspace(workspace.slug).calls.send(do.create_project("INFRA", "Infrastructure"))
        narrow = client.workspace(
            workspace.slug, project="FLUID", fields={"task": ["title"], "label": ["name"]}
        )
        async with narrow as live:
            (task,) = live.query("task").result
            assert set(task) == {"id", "workspace_id", "project_id", "version", "title"}
            assert [project["key"] for project in live.query("project").result] == ["FLUID"]
            await live.do(do.update_task(task["id"], title="Focus"))
            await within(live.settled())
            assert (live.get("task", task["id"]) or {})["title"] == "Focus"


async def test_a_login_that_ends_ends_what_is_live(url: str, workspace: Place) -> None:
    async with member(url, workspace, "owner", Network()) as client, client.workspace(workspace.slug) as live:
        headers = {"Authorization": f"Bearer {await client.session.bearer()}"}
        async with httpx2.AsyncClient(base_url=url) as http:
            ok(await http.post("/api/v1/auth/logout", headers=headers), 204)
        with pytest.raises(LoginEndedError):
            await within(live.reached(10**6))


async def test_the_live_part_of_the_guide_is_as_it_says(
    url: str, workspace: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed: list[tuple[Any, ...]] = []
    watched = asyncio.Event()

    def note(*words: Any) -> None:
        printed.append(words)
        if words == (["Focus is lost"],):
            watched.set()

    names: dict[str, Any] = {"print": note}
    exec(blocks()[2].replace('"fluid"', f'"{workspace.slug}"'), names)
    for folder in ("state", "other"):
        async with Client(url, store=FileStore(folder)) as client:
            await client.login(workspace.users["owner"].email, PASSWORD)
    watching = asyncio.create_task(names["watch"](url))
    await within(names["change"](url))
    ((key, doc),) = [words for words in printed if len(words) == 2]
    assert (key, doc["title"]) == ("FLUID-1", "Focus is lost")
    await within(watched.wait())
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
