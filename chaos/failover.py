"""Primaries are lost under load, in three ways: `python -m chaos.failover --kills 200 --writers 50`."""

import argparse
import asyncio
import random
import secrets
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from chaos.chapters import SHOWN, Chapters, Tally, chapters, spread, table
from chaos.ledger import Ledger
from chaos.replica_set import MEMBERS, Member
from chaos.stage import Site, accepted, stage

BOUND_SECONDS = 15.0
"""Within it the next write is accepted."""


@dataclass(frozen=True, slots=True)
class Plan:
    kills: int = 200
    writers: int = 50
    pause: float = 0.2
    """Seconds between two writes of one client."""
    chapter: int = 10
    """So many blows fall on one workspace, which is verified before the next one."""


@dataclass
class Played:
    blows: "Counter[str]" = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    """After each blow, the longest time until a write was accepted."""
    elections: list[float] = field(default_factory=list)
    """How much of that went by until another primary was seen."""
    tally: Tally = field(default_factory=Tally)

    @property
    def good(self) -> bool:
        return not self.tally.violations and max(self.waits, default=0.0) <= BOUND_SECONDS


Blow = Callable[[Site, Member], AbstractContextManager[None]]


@contextmanager
def _killed(_site: Site, member: Member) -> Iterator[None]:
    member.kill()
    yield
    member.start()


@contextmanager
def _stopped(_site: Site, member: Member) -> Iterator[None]:
    """It wakes up and believes that it is the primary still."""
    member.stop()
    try:
        yield
    finally:
        member.go_on()


@contextmanager
def _cut_off(site: Site, member: Member) -> Iterator[None]:
    """It hears from no other member, and takes writes that it can never acknowledge."""
    site.network.cut_off(member)
    try:
        yield
    finally:
        site.network.rejoin()


BLOWS: Mapping[str, Blow] = {
    "killed (SIGKILL)": _killed,
    "stopped (SIGSTOP)": _stopped,
    "cut off from the others": _cut_off,
}


async def play(plan: Plan, folder: Path, chance: random.Random) -> Played:
    """In an empty folder. Ends all that it started, also where it fails."""
    played = Played()
    async with (
        stage(folder, chance, members=MEMBERS) as site,
        chapters(site.service, site.service.url, site.database.url, chance) as book,
    ):
        played.tally = book.tally
        while len(played.waits) < plan.kills:
            await _play_chapter(plan, site, book, played, chance)
            print(_line(plan, played), flush=True)
        await book.look_again()
    return played


async def _play_chapter(
    plan: Plan, site: Site, book: Chapters, played: Played, chance: random.Random
) -> None:
    async with book.chapter(plan.writers, plan.pause) as (_, ledger):
        for _ in range(min(plan.chapter, plan.kills - len(played.waits))):
            await asyncio.sleep(chance.uniform(0.5, 2.0))
            name = list(BLOWS)[len(played.waits) % len(BLOWS)]
            await _strike(site, name, ledger, played)
            await site.database.whole()
        if not site.service.lives():
            played.tally.violations.append("the API has ended by itself")


async def _strike(site: Site, name: str, ledger: Ledger, played: Played) -> None:
    """Hurt the primary, and wait until writes are accepted by another one."""
    member = await site.database.primary()
    begun = monotonic()
    with BLOWS[name](site, member):
        await site.database.primary(besides=member)
        played.elections.append(monotonic() - begun)
        await accepted(ledger, monotonic())
    played.waits.append(ledger.longest_silence(begun))
    played.blows[name] += 1
    print(f"  {name}: elected {played.elections[-1]:.2f} s, accepted {played.waits[-1]:.2f} s", flush=True)


def _line(plan: Plan, played: Played) -> str:
    return (
        f"{len(played.waits)}/{plan.kills} blows, {played.tally.acknowledged:,} writes acknowledged, "
        f"{played.tally.lost} lost, {played.tally.gaps} gaps, next accepted write: {spread(played.waits)}"
    )


def summary(played: Played) -> str:
    return table(
        [
            *((f"primary {name}", f"{times} times") for name, times in played.blows.items()),
            ("from the blow to another primary", spread(played.elections)),
            ("from the blow to the next accepted write", spread(played.waits)),
            *played.tally.rows(),
        ]
    )


def main() -> int:
    arguments = _read_arguments()
    plan = Plan(arguments.kills, arguments.writers)
    print(f"{plan.kills} blows, {plan.writers} writers, seed {arguments.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="pastis-chaos-"))
    played = asyncio.run(play(plan, folder, random.Random(arguments.seed)))
    print(summary(played))
    for violation in played.tally.violations[:SHOWN]:
        print(f"  {violation}")
    print(f"Result: {'good' if played.good else f'NOT GOOD; everything is kept in {folder}'}")
    if played.good:
        shutil.rmtree(folder)
    return 0 if played.good else 1


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often the primary is hurt")
    parser.add_argument("--writers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes a run like another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
