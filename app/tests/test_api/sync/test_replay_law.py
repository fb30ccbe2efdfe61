"""The replay law over the stream, for every command and whoever looks: snapshot + frames = later snapshot."""

import json

import pytest
from fastapi import FastAPI
from pastis_client.replica import Frame, Replica

from app.core.documents import Doc, dump, public
from app.core.errors import PastisError
from app.models import ENTITIES
from app.services.bootstrap import Services
from app.services.memberships.rules import for_visitors
from app.services.sync import catch_up
from app.tests.support import replay
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.factories import Workspace
from app.tests.support.scenarios import SCENARIOS, Elsewhere
from app.tests.support.streams import Stream, copy_of, fetched, following, page, shorten, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

SOURCE: Doc = {"channel": "http", "client": None, "request_id": None}


async def viewers(services: Services, workspace: Workspace) -> dict[str, Client]:
    """One of each sort, all under the workspace's path."""
    base = f"/api/v1/workspaces/{workspace.id}"
    found = {
        "owner": workspace.api,
        "admin": workspace.admin,
        "member": workspace.member,
        "viewer": await workspace.guest(services, FLUID="viewer"),
        "lead": await workspace.guest(services, FLUID="lead"),
        "guest": await workspace.guest(services),
        "service": await workspace.service(services, "member"),
        "reader": await workspace.token(services, "owner", "task:read"),
        "visitor": await workspace.visitor("viewer"),
    }
    return {name: client.at(base) for name, client in found.items()}


async def documents(services: Services, workspace: Workspace) -> dict[str, list[Doc]]:
    return {
        kind: await services.database.collection(model).find({"workspace_id": workspace.id}).to_list()
        for kind, model in ENTITIES.items()
    }


async def expected(
    services: Services, workspace: Workspace, client: Client, docs: dict[str, list[Doc]]
) -> str | PastisError:
    """What a client may see, as each request would find out, document by document; or why it may nothing."""
    assert client.token is not None
    try:
        scope = await services.access.enter(client.token, workspace.id, SOURCE)
    except PastisError as error:
        return error
    held: dict[str, dict[str, Doc]] = {}
    for kind, model in ENTITIES.items():
        for doc in docs[kind]:
            if await scope.sees(model, doc):
                shown = public(model, doc)
                if kind == "membership" and scope.standing.is_visitor:
                    shown = for_visitors(shown)
                held.setdefault(kind, {})[doc["_id"]] = json.loads(dump(shown))
    return json.dumps(held, sort_keys=True, indent=1)


async def check(
    services: Services, workspace: Workspace, streams: dict[str, Stream], clients: dict[str, Client]
) -> None:
    """Live, asked for, or anew: everybody holds what they may see, to the byte."""
    head = await replay.head(services.database, workspace.id)
    docs = await documents(services, workspace)
    for name, stream in list(streams.items()):
        wanted = await expected(services, workspace, clients[name], docs)
        if isinstance(wanted, PastisError):
            assert (await stream.ended())[1]["code"] == wanted.code, name
            del streams[name]
            continue
        assert stream.replica is not None
        asked = copy_of(stream.replica)
        asked.apply(await page(clients[name], asked))
        assert asked.number == head, name
        assert text_of(asked) == wanted, f"asked by {name}"
        while text_of(stream.replica) != wanted:
            await stream.frame()  # or it takes too long
        await stream.taken()
        assert text_of(stream.replica) == wanted, f"told to {name}"
        assert text_of(await fetched(clients[name])) == wanted, f"fetched by {name}"


@pytest.mark.parametrize("command", sorted(SCENARIOS))
async def test_frames_bring_everybody_to_what_they_may_see(
    command: str, services: Services, workspace: Workspace, app: FastAPI
) -> None:
    clients = await viewers(services, workspace)
    former = {name: await fetched(client) for name, client in clients.items()}
    found = await SCENARIOS[command](workspace)
    request = found.request if isinstance(found, Elsewhere) else found
    async with following(app, *clients.values()) as all_streams:
        streams = dict(zip(clients, all_streams, strict=True))
        answer = ok_answer(await request())
        await check(services, workspace, streams, clients)
        if not isinstance(found, Elsewhere) and not command.startswith("workspace."):
            undo = await workspace.api.post(f"/events/{answer.headers['pastis-event']}/undo")
            if undo.is_success:
                await check(services, workspace, streams, clients)
    await check_without_events(services, workspace, former, clients)


async def check_without_events(
    services: Services, workspace: Workspace, former: dict[str, Replica], clients: dict[str, Client]
) -> None:
    """Who was away since before the command comes to the same by what the documents tell, and tombstones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catch_up, "MOST_EVENTS", -1)
        await check_former(services, workspace, former, clients, shortened=False)
    await shorten(services, workspace)
    await check_former(services, workspace, former, clients, shortened=True)


async def check_former(
    services: Services,
    workspace: Workspace,
    former: dict[str, Replica],
    clients: dict[str, Client],
    *,
    shortened: bool,
) -> None:
    services.sync._hubs.clear()  # nothing of the log is in memory any more
    docs = await documents(services, workspace)
    for name, client in clients.items():
        wanted = await expected(services, workspace, client, docs)
        if isinstance(wanted, PastisError):
            continue
        replica = copy_of(former[name])
        digest = replica.cursor.rpartition(".")[2]
        answer = await client.get("/sync", params={"since": replica.cursor})
        if shortened and answer.status_code == 410:
            assert (await fetched(client)).cursor.rpartition(".")[2] != digest, f"{name} had a good cursor"
            continue
        assert answer.status_code == 200, answer.text
        replica.apply(Frame.parse(answer.content))
        assert text_of(replica) == wanted, f"{name} came back, {shortened=}"


def ok_answer(answer: Answer) -> Answer:
    ok(answer)
    return answer
