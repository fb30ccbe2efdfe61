"""Holds replicas, answers and the log against the database, once all faults are over."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import httpx2
import orjson
from pastis_client.replica import Frame, Replica, Snapshot
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc, dump, public
from app.core.log import Event
from app.models import ENTITIES
from app.services.integrity import check_workspace
from chaos.arena import Arena
from chaos.faults import Site
from chaos.followers import Follower, Told
from chaos.service import Service
from chaos.verify import sequence_flaws

if TYPE_CHECKING:
    from chaos.sync import Played

_LOOK_SECONDS = 0.25


async def hold(
    patience: float, site: Site, arena: Arena, followers: Sequence[Follower], played: "Played"
) -> None:
    """Wait until everybody is up to date; whatever does not hold is a violation."""
    begun = monotonic()
    wanted = {token: await _fetch(site.services[0], arena, token) for token in arena.tokens}
    flaws = played.violations
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await _until_equal(followers, wanted)
    played.converged = monotonic() - begun
    for one in followers:
        one.chain.finish(one.replica)
        if (differences := _differs(one, wanted)) or one.workspace.waiting:
            flaws.append(f"replica of {one.name}: {differences} documents differ, {one.workspace.ended!r}")
    for token in arena.tokens:
        if (await _fetch(site.services[1], arena, token)).differences(wanted[token]):
            flaws.append("the processes tell different things")
    flaws += played.told.flaws
    database = Database.connect(Settings(database_url=SecretStr(site.database.url), _env_file=None))
    try:
        await _hold_database(database, arena, wanted, played)
    finally:
        await database.close()


async def _until_equal(followers: Sequence[Follower], wanted: dict[str, Replica]) -> None:
    for one in followers:
        while _differs(one, wanted):  # noqa: ASYNC110 - what it waits for is told by no event
            await asyncio.sleep(_LOOK_SECONDS)


def _differs(follower: Follower, wanted: dict[str, Replica]) -> int:
    return len(follower.replica.differences(wanted[follower.token]))


async def _fetch(service: Service, arena: Arena, token: str) -> Replica:
    """All that is seen with a token, without the proxy."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=service.url, headers=headers, timeout=20.0) as http:
        snapshot = Snapshot()
        for line in (await http.get(f"{arena.path}/sync/snapshot")).content.splitlines():
            snapshot.add(line)
        replica = snapshot.finish()
        page = await http.get(f"{arena.path}/sync", params={"since": replica.cursor})
        replica.apply(Frame.parse(page.content))
        return replica


async def _hold_database(
    database: Database, arena: Arena, wanted: dict[str, Replica], played: "Played"
) -> None:
    events = await database.collection(Event).find({"workspace_id": arena.workspace_id}).sort("seq").to_list()
    founder = wanted[arena.tokens[0]]
    report = await check_workspace(database, arena.workspace_id, founder.number)
    played.events = len(events)
    played.violations += [f"document: {line}" for line in report.differences]
    played.violations += sequence_flaws([event["seq"] for event in events], report.head)
    stored = await _stored(database, arena)
    for number, replica in enumerate(wanted.values()):
        held = {(kind, id_): doc for kind, docs in replica.docs.items() for id_, doc in docs.items()}
        wrong = [key for key, doc in held.items() if stored.get(key) != doc]
        missing = stored.keys() - held.keys() if number == 0 else ()
        played.violations += [f"replica: {key} is not what the database has" for key in (*wrong, *missing)]
    _hold_answers(events, played.told, played)


async def _stored(database: Database, arena: Arena) -> dict[tuple[str, str], Doc]:
    """Every document of the workspace, as clients see it."""
    found: dict[tuple[str, str], Doc] = {}
    for kind, model in ENTITIES.items():
        query = {"_id" if kind == "workspace" else "workspace_id": arena.workspace_id}
        for doc in await database.collection(model).find(query).to_list():
            found[kind, doc["_id"]] = orjson.loads(dump(public(model, doc)))
    return found


def _hold_answers(events: Sequence[Doc], told: Told, played: "Played") -> None:
    effects: dict[str, list[int]] = {}
    for event in events:
        if event["mutation"] is not None:
            effects.setdefault(event["mutation"], []).append(event["seq"])
    for mutation, number in told.acknowledged.items():
        seqs = effects.get(mutation, [])
        if number and number not in seqs:
            played.lost += 1
            played.violations.append(f"{mutation}: acknowledged as {number}, and lost; done as {seqs}")
    for mutation, seqs in effects.items():
        if len(seqs) > 1:
            played.doubled += 1
            played.violations.append(f"{mutation}: done as {seqs}")
    # Who may not see any more what was done is told that it is not there.
    done = [mutation for mutation, why in told.refused.items() if mutation in effects and "404" not in why]
    played.violations += [f"{mutation}: refused, and done: {told.refused[mutation]}" for mutation in done]
