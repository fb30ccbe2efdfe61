"""The API is killed under load, again and again: `python -m chaos.kills --kills 1000`."""

import argparse
import asyncio
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from app.utils.ids import new_id
from chaos.chapters import SHOWN, Chapters, Tally, chapters, spread, table
from chaos.errands import Errands
from chaos.ledger import Ledger
from chaos.mails import Mails
from chaos.proxy import Proxy
from chaos.replica_set import ReplicaSet
from chaos.service import Service

_DATABASE_SECONDS = 5.0
_SETTLE_SECONDS = 90.0
"""Within it the leases end that killed processes had."""


@dataclass(frozen=True, slots=True)
class Plan:
    kills: int = 1000
    writers: int = 16
    pause: float = 0.1
    """Seconds between two writes of one client."""
    chapter: int = 20
    """So many kills hit one workspace, which is verified before the next one."""


@dataclass
class Played:
    kills: int = 0
    starts: list[float] = field(default_factory=list)
    """How long after each kill the process served again."""
    waits: list[float] = field(default_factory=list)
    """After each kill, the longest time until a write was accepted, until then."""
    tally: Tally = field(default_factory=Tally)
    errands: Errands = field(default_factory=Errands)


@dataclass(frozen=True, slots=True)
class Site:
    database: ReplicaSet
    services: tuple[Service, Service]
    """One of them serves while the other is killed and starts."""
    proxy: Proxy


async def play(plan: Plan, folder: Path, chance: random.Random) -> Played:
    """In an empty folder. Ends all that it started, also where it fails."""
    played = Played()
    async with (
        _site(folder, played.errands.mails, chance) as site,
        chapters(site.services[0], site.proxy.url, site.database.url, chance) as book,
    ):
        played.tally = book.tally
        while played.kills < plan.kills:
            await _play_chapter(plan, site, book, played, chance)
            print(_line(plan, played), flush=True)
        await book.look_again()
        played.tally.violations += await _settle(book, played)
    return played


@asynccontextmanager
async def _site(folder: Path, mails: Mails, chance: random.Random) -> AsyncIterator[Site]:
    database = ReplicaSet(folder, members=1)
    first, second = (Service(folder, _DATABASE_SECONDS, database.url, mails.settings) for _ in range(2))
    proxy = Proxy([first.port, second.port], chance)
    with mails.served():
        try:
            await database.start()
            await first.start()
            await second.start()
            await proxy.open()
            yield Site(database, (first, second), proxy)
        finally:
            await proxy.close()
            second.kill()
            first.kill()
            database.end()


async def _play_chapter(
    plan: Plan, site: Site, book: Chapters, played: Played, chance: random.Random
) -> None:
    email, password = await site.services[0].add_account(f"{new_id()}@fluid.example")
    account = {"email": email, "password": password}
    async with book.chapter(plan.writers, plan.pause) as (_, ledger):
        over = asyncio.Event()
        asking = asyncio.create_task(played.errands.ask_until(over.is_set, site.proxy.url, account))
        try:
            await asyncio.sleep(chance.uniform(0.5, 1.5))
            for _ in range(min(plan.chapter, plan.kills - played.kills)):
                await _kill(site.services[played.kills % 2], ledger, played)
                await asyncio.sleep(chance.uniform(0.0, 0.5))
        finally:
            over.set()
            [end] = await asyncio.gather(asking, return_exceptions=True)
            if isinstance(end, Exception):
                played.tally.violations.append(repr(end))


async def _kill(service: Service, ledger: Ledger, played: Played) -> None:
    begun = monotonic()
    if not service.lives():
        played.tally.violations.append("an API process has ended by itself")
    service.kill()
    await service.start()
    played.kills += 1
    played.starts.append(monotonic() - begun)
    played.waits.append(ledger.longest_silence(begun))


async def _settle(book: Chapters, played: Played) -> list[str]:
    """What was asked for beside the requests must be done, whoever was killed in the middle of it."""
    return await played.errands.settle(book.database, _SETTLE_SECONDS)


def _line(plan: Plan, played: Played) -> str:
    asked = played.errands
    return (
        f"{played.kills}/{plan.kills} kills, {played.tally.acknowledged:,} writes acknowledged, "
        f"{played.tally.lost} lost, {played.tally.gaps} gaps, "
        f"{len(asked.mails.asked)} mails and {len(asked.merged)} merges asked for"
    )


def summary(played: Played) -> str:
    return table(
        [
            ("API processes killed (SIGKILL)", f"{played.kills:,} times"),
            ("from the kill until that process served again", spread(played.starts)),
            ("longest time without an accepted write meanwhile", spread(played.waits)),
            *played.tally.rows(),
            *played.errands.rows(),
        ]
    )


def main() -> int:
    arguments = _read_arguments()
    plan = Plan(arguments.kills, arguments.writers)
    print(f"{plan.kills} kills, {plan.writers} writers, seed {arguments.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="pastis-chaos-"))
    played = asyncio.run(play(plan, folder, random.Random(arguments.seed)))
    print(summary(played))
    for violation in played.tally.violations[:SHOWN]:
        print(f"  {violation}")
    good = not played.tally.violations
    print(f"Result: {'good' if good else f'NOT GOOD; everything is kept in {folder}'}")
    if good:
        shutil.rmtree(folder)
    return 0 if good else 1


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how often an API process is killed")
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes a run like another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
