"""Logins are tried by lost answers, kills and copies: `python -m chaos.sessions --refreshes 10000`."""

import argparse
import asyncio
import math
import random
import secrets
import shutil
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from time import monotonic

import httpx2

from chaos.ledger import Doc
from chaos.logins import AUTH, Login, Tally
from chaos.service import Service

AT_ONCE = 50
BOUND_SECONDS = 1.0
"""Within it a revocation counts in every process."""
_GRACE_SECONDS = 61.0
_CLIENTS = 8
_TIMEOUT_SECONDS = 8.0
_LOOK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is tried. `replay` waits for the minute in which a former token is good."""

    refreshes: int = 10_000
    kills: int = 5
    revocations: int = 100
    replay: bool = True


@dataclass
class Findings:
    """What is told, and what must not be."""

    lines: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        self.lines.append(line)
        print(line, flush=True)

    def hold(self, what: str, *, true: bool) -> None:
        if not true:
            self.violations.append(what)
            print(f"  VIOLATION: {what}", flush=True)


class Arena:
    """Two processes on one database, an account, and clients of it."""

    def __init__(self, first: Service, second: Service, account: Doc, chance: random.Random) -> None:
        self.first = first
        self.second = second
        self.chance = chance
        self._account = account
        limits = httpx2.Limits(max_connections=None)
        self.one, self.two = (
            httpx2.AsyncClient(base_url=service.url, timeout=_TIMEOUT_SECONDS, limits=limits)
            for service in (first, second)
        )

    async def log_in(self, tally: Tally) -> Login:
        answer = await self.one.post(f"{AUTH}/login", json={**self._account, "remember_me": True})
        answer.raise_for_status()
        return Login(self.one, answer.json(), tally, self.chance)

    async def log_in_all(self, tally: Tally) -> list[Login]:
        return [await self.log_in(tally) for _ in range(_CLIENTS)]


@asynccontextmanager
async def arena(folder: Path, chance: random.Random) -> AsyncIterator[Arena]:
    """Ends all that it started, also where something fails."""
    first, second = Service(folder, 5.0), Service(folder, 5.0)
    try:
        await first.start()
        await second.start()
        email, password = await first.add_account()
        found = Arena(first, second, {"email": email, "password": password}, chance)
        async with found.one, found.two:
            yield found
    finally:
        second.kill()
        await first.end()


async def play(plan: Plan, folder: Path, chance: random.Random) -> Findings:
    """Try everything, in an empty folder."""
    findings = Findings()
    async with arena(folder, chance) as found:
        await lose_answers(found, findings, plan.refreshes)
        await refresh_at_once(found, findings)
        await kill_the_api(found, findings, plan.kills)
        await kill_the_database(found, findings)
        await revoke(found, findings, plan.revocations)
        if plan.replay:
            await replay_a_copy(found, findings)
    return findings


async def lose_answers(found: Arena, findings: Findings, count: int) -> None:
    tally = Tally()
    logins = await found.log_in_all(tally)
    begun = monotonic()

    async def go_on(login: Login) -> None:
        while tally.refreshes < count and await login.refresh():
            pass

    await asyncio.gather(*(go_on(login) for login in logins))
    findings.tell(
        f"Lost answers: {tally.refreshes:,} refreshes by {len(logins)} clients in {monotonic() - begun:.0f} "
        f"s, {tally.lost:,} answers lost, {tally.forced} forced logins"
    )
    await _check(findings, "lost answers", logins, tally)


async def refresh_at_once(found: Arena, findings: Findings) -> None:
    """The same token, half of the requests at each process."""
    login = await found.log_in(Tally())
    body = {"refresh_token": login.tokens["refresh_token"]}
    asked = [
        http.post(f"{AUTH}/refresh", json=body)
        for http in (found.one, found.two)
        for _ in range(AT_ONCE // 2)
    ]
    answers = await asyncio.gather(*asked)
    statuses = {answer.status_code for answer in answers}
    pairs = {(answer.json().get("access_token"), answer.json().get("refresh_token")) for answer in answers}
    findings.tell(f"At once: {len(answers)} refreshes of one token in two processes, {len(pairs)} successor")
    findings.hold(f"refreshes at once were answered {statuses}", true=statuses == {HTTPStatus.OK})
    findings.hold(f"{len(pairs)} successors of one token", true=len(pairs) == 1)


async def kill_the_api(found: Arena, findings: Findings, kills: int) -> None:
    async def kill() -> None:
        found.first.kill()
        await found.first.start()

    await _strike(found, findings, "API", kills, kill)


async def kill_the_database(found: Arena, findings: Findings) -> None:
    """Whoever uses it starts it again."""
    await _strike(found, findings, "database", 1, found.first.kill_database)


async def _strike(
    found: Arena, findings: Findings, what: str, times: int, kill: Callable[[], Awaitable[None]]
) -> None:
    """Kill something in the middle of rotations; each client must then refresh once more."""
    tally = Tally()
    logins = await found.log_in_all(tally)
    for _ in range(times):
        struck = asyncio.Event()

        async def go_on(login: Login, struck: asyncio.Event) -> None:
            while not struck.is_set() and await login.refresh(0):
                pass
            await login.refresh(0)

        going = [asyncio.create_task(go_on(login, struck)) for login in logins]
        await asyncio.sleep(found.chance.uniform(0.1, 0.6))
        await kill()
        struck.set()
        await asyncio.gather(*going)
    findings.tell(
        f"Killed {what}: {times} times amid {tally.refreshes:,} refreshes, {tally.unanswered} requests "
        f"without answer, {tally.forced} forced logins"
    )
    await _check(findings, f"killed {what}", logins, tally)


async def revoke(found: Arena, findings: Findings, count: int) -> None:
    """End logins in one process, and see when the other one knows."""
    waited = []
    for _ in range(count):
        login = await found.log_in(Tally())
        findings.hold("a login works in one process only", true=await login.works(found.two))
        await login.end()
        waited.append(await _until_dead(login, found.two))
    waited.sort()
    p99 = waited[math.ceil(count * 0.99) - 1]
    findings.tell(
        f"Revocation: {count} logins, known in the other process after "
        f"{statistics.median(waited) * 1000:.1f} ms (median), {p99 * 1000:.1f} ms (p99), "
        f"{waited[-1] * 1000:.1f} ms (longest)"
    )
    findings.hold(f"a revocation took {waited[-1]:.2f} s", true=waited[-1] < BOUND_SECONDS)


async def replay_a_copy(found: Arena, findings: Findings) -> None:
    """A token that comes back after its minute ends the login, in both processes."""
    login = await found.log_in(Tally())
    copied = {"refresh_token": login.tokens["refresh_token"]}
    await login.refresh(0)
    await login.refresh(0)
    await asyncio.sleep(_GRACE_SECONDS)
    findings.hold("the login ended before the replay", true=await login.works(found.two))
    answer = await found.one.post(f"{AUTH}/refresh", json=copied)
    findings.hold("a copied token was taken", true=answer.status_code == HTTPStatus.UNAUTHORIZED)
    waited = [await _until_dead(login, http) for http in (found.two, found.one)]
    findings.tell(
        f"Replay after the grace: the login was dead in both processes after {max(waited) * 1000:.1f} ms"
    )
    findings.hold("a copied token left the login alive", true=max(waited) < BOUND_SECONDS)


async def _until_dead(login: Login, http: httpx2.AsyncClient) -> float:
    begun = monotonic()
    waited = 0.0
    while waited < 10 * BOUND_SECONDS and await login.works(http):
        await asyncio.sleep(_LOOK_SECONDS)
        waited = monotonic() - begun
    return monotonic() - begun


async def _check(findings: Findings, what: str, logins: list[Login], tally: Tally) -> None:
    findings.hold(f"{what}: {tally.forced} forced logins", true=tally.forced == 0)
    for login in logins:
        findings.hold(f"{what}: the last tokens do not work", true=await login.works())


def main() -> int:
    arguments = _read_arguments()
    folder = Path(tempfile.mkdtemp(prefix="pastis-chaos-"))
    plan = Plan(arguments.refreshes, arguments.kills, arguments.revocations)
    print(f"Two processes, seed {arguments.seed}", flush=True)
    findings = asyncio.run(play(plan, folder, random.Random(arguments.seed)))
    print(f"Violations: {len(findings.violations)}")
    shutil.rmtree(folder)
    return 1 if findings.violations else 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refreshes", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--revocations", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes a run like another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
