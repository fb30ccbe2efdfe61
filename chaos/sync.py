"""Sync is tried by kills, stops, cuts and clock steps: `python -m chaos.sync --seconds 600 --clients 200`."""

import argparse
import asyncio
import random
import secrets
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from chaos.arena import Arena, prepare
from chaos.faults import Site, strike_at_random, strike_in_turn
from chaos.followers import Follower, Told
from chaos.proxy import Proxy
from chaos.replica_set import ReplicaSet
from chaos.service import Service
from chaos.sync_verify import hold

_SHOWN = 20
_DATABASE_SECONDS = 5.0
_AT_ONCE = 10
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """`faults` are done in this order, each once; without any they are drawn, all the time."""

    seconds: float = 600.0
    clients: int = 200
    writers: int = 40
    pause: float = 1.0
    """Seconds between two writes of one client."""
    faults: Sequence[str] = ()
    patience: float = 180.0
    """How long after the last fault everybody may take to hold what the database does."""


@dataclass
class Played:
    clients: int
    faults: "Counter[str]" = field(default_factory=Counter)
    told: Told = field(default_factory=Told)
    cuts: int = 0
    events: int = 0
    converged: float = 0.0
    """Seconds from the last fault until all replicas were equal to the database."""
    lost: int = 0
    doubled: int = 0
    violations: list[str] = field(default_factory=list)


async def play(plan: Plan, folder: Path, chance: random.Random) -> Played:
    """In an empty folder. Ends all that it started, also where it fails."""
    played = Played(plan.clients)
    async with _site(folder, chance) as site:
        arena = await prepare(site.services)
        followers = await _start(plan, site, arena, played.told)
        try:
            await _suffer(plan, site, followers, chance)
            await _recover(site)
            await hold(plan.patience, site, arena, followers, played)
        finally:
            await asyncio.gather(*(one.close() for one in followers), return_exceptions=True)
        played.faults, played.cuts = site.done, site.proxy.cuts
    return played


@asynccontextmanager
async def _site(folder: Path, chance: random.Random) -> AsyncIterator[Site]:
    database = ReplicaSet(folder)
    services = [Service(folder, _DATABASE_SECONDS, database.url) for _ in range(2)]
    proxy = Proxy([service.port for service in services], chance)
    try:
        await database.start()
        for service in services:
            await service.start()
        await proxy.open()
        yield Site(database, services, proxy, chance)
    finally:
        await proxy.close()
        for service in services:
            service.kill()
        database.end()


async def _start(plan: Plan, site: Site, arena: Arena, told: Told) -> list[Follower]:
    """Those who see everything, and those who see some of it, in turn; a few at once."""
    followers = [
        Follower(site.proxy.url, token, arena.workspace_id, f"client {number}", told)
        for number, token in zip(range(plan.clients), arena.tokens * plan.clients, strict=False)
    ]
    for first in range(0, len(followers), _AT_ONCE):
        await asyncio.gather(*(one.start() for one in followers[first : first + _AT_ONCE]))
    return followers


async def _suffer(plan: Plan, site: Site, followers: Sequence[Follower], chance: random.Random) -> None:
    """Let all write, and hurt what they write to; every command is brought to its answer."""
    end = monotonic() + plan.seconds
    writing = [
        asyncio.create_task(one.write_until(lambda: monotonic() > end, plan.pause, chance))
        for one in followers[: plan.writers]
    ]
    if plan.faults:
        await strike_in_turn(site, plan.faults, plan.seconds)
    else:
        await strike_at_random(site, plan.seconds)
    async with asyncio.timeout(plan.patience):
        await asyncio.gather(*writing)


async def _recover(site: Site) -> None:
    for service in site.services:
        if not service.lives():
            raise RuntimeError("an API process has ended by itself")
        await service.until_ready()


def table(played: Played) -> str:
    told = played.told
    rows = [
        *((f"{name}", f"{times} times") for name, times in sorted(played.faults.items())),
        ("connections cut by the proxy", f"{played.cuts:,}"),
        ("clients", f"{played.clients:,}, {told.connections - played.clients:,} reconnections"),
        ("frames", f"{told.frames:,}, {told.snapshots} snapshots after the first ones"),
        ("longest time of a client without news", f"{told.silence:.1f} s"),
        ("acknowledged writes", f"{len(told.acknowledged):,}, in a log of {played.events:,} events"),
        ("from the last fault until all held what the database does", f"{played.converged:.1f} s"),
        ("lost", str(played.lost)),
        ("doubled", str(played.doubled)),
        ("violations", str(len(played.violations))),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def main() -> int:
    arguments = _read_arguments()
    plan = Plan(arguments.seconds, arguments.clients, max(1, arguments.clients // 5))
    print(f"{plan.seconds:g} s, {plan.clients} clients, seed {arguments.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="pastis-chaos-"))
    played = asyncio.run(play(plan, folder, random.Random(arguments.seed)))
    print(table(played))
    for violation in played.violations[:_SHOWN]:
        print(f"  {violation}")
    if played.violations:
        print(f"Everything is kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long faults go on")
    parser.add_argument("--clients", type=int, default=200, help="of which every fifth writes")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes a run like another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
