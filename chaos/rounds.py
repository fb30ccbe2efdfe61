"""One round: clients write, processes are killed in the middle, and the database is held to its word."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from time import monotonic

import httpx2

from chaos.clients import TIMEOUT_SECONDS, Arena, Client
from chaos.ledger import Doc, Ledger
from chaos.service import Service
from chaos.verify import Findings, verify

FIRST_TASKS = 20
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 15.0
"""How much longer the database stays away where no client has been told yet, on a busy machine."""


class Kill(StrEnum):
    """Who gets SIGKILL. `mixed` is the API, and in every fourth round both."""

    API = "api"
    BOTH = "both"
    DATABASE = "database"
    MIXED = "mixed"

    def in_round(self, number: int) -> "Kill":
        if self is not Kill.MIXED:
            return self
        return Kill.BOTH if number % 4 == 0 else Kill.API


@dataclass(frozen=True, slots=True)
class Plan:
    """How a round is played. `away` is how long a killed database stays away while the API lives."""

    seconds: float = 30.0
    clients: int = 16
    kill: Kill = Kill.MIXED
    away: float = 8.0
    database_timeout: float = 5.0


@dataclass(slots=True)
class Round:
    """What happened in one round."""

    kill: Kill
    killed_after: float = 0.0
    silence: float = 0.0
    """The longest time without any acknowledgement from the kill on."""
    ledger: Ledger = field(default_factory=Ledger)
    findings: Findings = field(default_factory=Findings)
    readiness: list[tuple[float, int]] = field(default_factory=list)
    """When readiness was asked for during the database's absence, and the status of the answer."""

    @property
    def violations(self) -> list[str]:
        return self.findings.violations


async def play(plan: Plan, number: int, folder: Path, chance: random.Random) -> Round:
    """Play one round in an empty folder. Ends all that it started, also where it fails."""
    service = Service(folder, plan.database_timeout)
    played = Round(plan.kill.in_round(number))
    try:
        await service.start()
        async with _logged_in(service) as http:
            workspace_id, arena = await prepare(http, service.url)
            await _write(plan, played, service, http, arena, chance)
        await service.stop()
        async with service.files() as database:
            played.findings = await verify(database, workspace_id, played.ledger)
    finally:
        await service.end()
    played.violations.extend(_outage_flaws(played))
    return played


@asynccontextmanager
async def _logged_in(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=service.url, timeout=TIMEOUT_SECONDS, limits=limits) as http:
        email, password = await service.add_account()
        answer = await http.post("/api/v1/auth/login", json={"email": email, "password": password})
        http.headers["Authorization"] = f"Bearer {good(answer)['access_token']}"
        yield http


async def prepare(http: httpx2.AsyncClient, url: str, slug: str = "chaos") -> tuple[str, Arena]:
    """A workspace with two projects and some tasks, which `http` has as its base from here on."""
    made = good(await http.post(f"{url}/api/v1/workspaces", json={"slug": slug, "name": "Fluid Project"}))
    http.base_url = httpx2.URL(f"{url}/api/v1/workspaces/{made['id']}")
    arena = Arena([])
    for key, name in (("FLUID", "Fluid Infusion"), ("INFRA", "Infrastructure")):
        arena.projects.append(good(await http.post("/projects", json={"key": key, "name": name}))["id"])
    for number in range(FIRST_TASKS):
        body = {"project_id": arena.projects[number % 2], "title": f"Focus is lost in dialog {number}"}
        task = good(await http.post("/tasks", json=body))
        arena.tasks[task["id"]] = task["project_id"]
    return str(made["id"]), arena


def good(answer: httpx2.Response) -> Doc:
    if not answer.is_success:
        raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.text}")
    body: Doc = answer.json()
    return body


async def _write(
    plan: Plan,
    played: Round,
    service: Service,
    http: httpx2.AsyncClient,
    arena: Arena,
    chance: random.Random,
) -> None:
    """Let all clients write until the time is up and the blow is over, which is struck once in between."""
    begun = monotonic()
    striking = asyncio.create_task(_strike(plan, played, service, chance))
    clients = [Client(http, arena, played.ledger, chance) for _ in range(plan.clients)]

    def is_over() -> bool:
        return monotonic() > begun + plan.seconds and striking.done()

    writing = [asyncio.create_task(client.write_until(is_over)) for client in clients]
    try:
        await asyncio.gather(striking, *writing)
    finally:
        for task in (striking, *writing):
            task.cancel()
        await asyncio.gather(striking, *writing, return_exceptions=True)
    played.silence = played.ledger.longest_silence(begun + played.killed_after)


async def _strike(plan: Plan, played: Round, service: Service, chance: random.Random) -> None:
    begun = monotonic()
    await asyncio.sleep(plan.seconds * chance.uniform(0.25, 0.6))
    played.killed_after = monotonic() - begun
    if played.kill is Kill.DATABASE:
        await _take_database_away(plan, played, service)
        return
    if played.kill is Kill.BOTH:
        await service.kill_database()
    service.kill()
    await service.start()


async def _take_database_away(plan: Plan, played: Round, service: Service) -> None:
    """Kill the database, watch the API do without, and then bring it back by itself."""
    pid = service.pid
    async with service.database_away():
        await _watch(service, played, monotonic() + plan.away)
    if service.pid != pid or not service.lives():
        played.ledger.faults.append("the API did not survive that its database was away")
    await service.until_ready()


async def _watch(service: Service, played: Round, until: float) -> None:
    async with httpx2.AsyncClient(base_url=service.url, timeout=30.0) as http:
        while monotonic() < (until if played.ledger.unavailable else until + _PATIENCE_SECONDS):
            asked = monotonic()
            status = (await http.get("/health/ready")).status_code
            played.readiness.append((monotonic() - asked, status))
            if (await http.get("/health/live")).status_code != HTTPStatus.OK:
                played.ledger.faults.append("without its database the API says that it does not live")
            await asyncio.sleep(_LOOK_SECONDS)


def _outage_flaws(played: Round) -> list[str]:
    """What must be seen while the database is away: refusals that say so, and no readiness."""
    if played.kill is not Kill.DATABASE:
        return []
    flaws = [f"ready without a database: {status}" for _, status in played.readiness if status != 503]
    if not played.readiness:
        flaws.append("nobody learned whether the API was ready")
    if not played.ledger.unavailable:
        flaws.append("no client was told 503 while the database was away")
    return flaws
